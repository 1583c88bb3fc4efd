import { readFileSync } from 'node:fs';
import type { RedisClient } from '@switchyard/service-kit';

const VERBS = ['acquire', 'release', 'leave', 'renew', 'look', 'retire'] as const;
type Verb = (typeof VERBS)[number];
type Argument = string | number;

const read = (name: string) => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');

/** The scripts under lua/ on a connection; each of its files says what goes in and what comes out. */
export class RedisScripts {
  constructor(private readonly client: RedisClient) {
    const shared = read('shared');
    for (const verb of VERBS)
      client.defineCommand(nameOf(verb), { lua: `${shared}\n${read(verb)}` });
  }

  /** Rejects when Redis is away, and with anything a script says. */
  async run(verb: Verb, keys: string[], args: Argument[]): Promise<unknown> {
    type Script = (count: number, ...rest: Argument[]) => Promise<unknown>;
    const script = this.client[nameOf(verb) as keyof RedisClient] as unknown as Script;
    return script.call(this.client, keys.length, ...keys, ...args);
  }
}

const nameOf = (verb: Verb) => `switchyard_${verb}`;
