import { createHash } from 'node:crypto';
import type { AffinitySettings } from '../configuration/affinity-settings.js';
import { clientAddress, type Origin } from './client-address.js';
import { type Endpoint, isObject, type JsonObject } from './endpoints/endpoint.js';

/** Of a request: who or what it belongs to, as the affinity of a pool asks. Each is worked out once. */
export class AffinityKeys {
  readonly #known = new Map<string, string>();

  constructor(
    private readonly origin: Origin,
    private readonly trustedProxies: number,
    private readonly endpoint: Pick<Endpoint, 'opening'>,
    private readonly body: JsonObject,
  ) {}

  /** A request that lacks what is asked for, or a pool that does not ask, goes by the client's address. */
  of(affinity?: AffinitySettings): string {
    const { key: kind, header } = affinity ?? { key: 'client', header: '' };
    const name = kind === 'session' ? `${kind} ${header}` : kind;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const value = this.#valueOf(kind, header);
    const key =
      value === undefined ? clientAddress(this.origin, this.trustedProxies) : digest(kind, value);
    this.#known.set(name, key);
    return key;
  }

  #valueOf(kind: AffinitySettings['key'], header: string): string | undefined {
    if (kind === 'session') return [this.origin.headers[header] ?? []].flat().join() || undefined;
    if (kind === 'user') return userOf(this.body);
    if (kind === 'conversation') return conversationOf(this.body, this.endpoint);
    return undefined;
  }
}

/** OpenAI's `user` and what follows it, Anthropic's `metadata.user_id`. */
function userOf({ user, safety_identifier: safety, metadata }: JsonObject): string | undefined {
  return text(user) ?? text(safety) ?? (isObject(metadata) ? text(metadata.user_id) : undefined);
}

/**
 * What all turns of a conversation begin with, and so what a server has in its prompt cache: all up to
 * the first turn of the human. A client that knows better says so with OpenAI's `prompt_cache_key`.
 */
function conversationOf(body: JsonObject, endpoint: Pick<Endpoint, 'opening'>): string | undefined {
  const given = text(body.prompt_cache_key);
  if (given !== undefined) return `given ${given}`;
  const opening = endpoint.opening(body);
  return opening.length > 0 ? JSON.stringify(opening) : undefined;
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** As short for a large opening as for a small one: it is hashed again for every backend. */
const digest = (kind: string, value: string): string =>
  `${kind} ${createHash('sha256').update(value).digest('base64url')}`;
