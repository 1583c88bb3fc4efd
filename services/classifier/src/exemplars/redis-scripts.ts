import { readFileSync } from 'node:fs';
import type { RedisClient } from '@switchyard/service-kit';
import { type Argument, RedisScript } from '../redis-script.js';

/** Those that change something, behind lua/change.lua. */
const CHANGES = [
  'add-exemplars',
  'remove-exemplar',
  'put-intent',
  'delete-intent',
  'put-settings',
  'put-head',
] as const;

export type ChangeVerb = (typeof CHANGES)[number];
export type Verb = ChangeVerb | 'renew-claim';

const read = (name: string) => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');

/** The scripts under lua/ on a connection; each of its files says what goes in and what comes out. */
export class RedisScripts {
  readonly #scripts = new Map<Verb, RedisScript>();

  constructor(client: RedisClient) {
    const change = read('change');
    const define = (verb: Verb, lua: string) =>
      this.#scripts.set(verb, new RedisScript(client, `exemplars_${verb}`, lua));
    for (const verb of CHANGES) define(verb, `${change}\n${read(verb)}`);
    define('renew-claim', read('renew-claim'));
  }

  async run(verb: Verb, keys: readonly string[], args: readonly Argument[]): Promise<unknown> {
    return this.#scripts.get(verb)?.run(keys, args);
  }
}
