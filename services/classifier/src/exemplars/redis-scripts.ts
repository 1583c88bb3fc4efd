import { readFileSync } from 'node:fs';
import type { RedisClient } from '@switchyard/service-kit';

/** Those that change something, behind lua/change.lua. */
const CHANGES = [
  'add-exemplars',
  'remove-exemplar',
  'put-intent',
  'delete-intent',
  'put-settings',
  'put-head',
] as const;
const OTHERS = ['renew-claim'] as const;

export type ChangeVerb = (typeof CHANGES)[number];
export type Verb = ChangeVerb | (typeof OTHERS)[number];
export type Argument = string | number | Buffer;

/** The compiler does not copy them: they are read from beside the sources. */
const read = (name: string) =>
  readFileSync(new URL(`../../src/exemplars/lua/${name}.lua`, import.meta.url), 'utf8');

/** The scripts under lua/ on a connection; each of its files says what goes in and what comes out. */
export class RedisScripts {
  constructor(private readonly client: RedisClient) {
    const change = read('change');
    for (const verb of CHANGES)
      client.defineCommand(nameOf(verb), { lua: `${change}\n${read(verb)}` });
    for (const verb of OTHERS) client.defineCommand(nameOf(verb), { lua: read(verb) });
  }

  /** Rejects when Redis is away, and with anything a script says. */
  async run(verb: Verb, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    type Script = (count: number, ...rest: Argument[]) => Promise<unknown>;
    const script = this.client[nameOf(verb) as keyof RedisClient] as unknown as Script;
    return script.call(this.client, keys.length, ...keys, ...args);
  }
}

const nameOf = (verb: Verb) => `exemplars_${verb}`;
