/**
 * Every key of the connection counts. All of a pool's carry its name in braces, so that Redis
 * Cluster keeps them together and scripts may use them in one step. Times are of Redis's clock.
 *
 * | key, after `PREFIX:{POOL}:` | type | content | life |
 * | --- | --- | --- | --- |
 * | `replicas` | sorted set | router -> when its leases expire, ms | two lease times after a renewal |
 * | `seen` | sorted set | router -> when it last said that it is there, ms | the same |
 * | `leases:BACKEND` | sorted set | lease -> when it expires, ms | two lease times after the first was taken or any renewed |
 * | `waiting` | sorted set | waiter -> since when, microseconds | a minute after somebody joined |
 * | `line:BACKEND` | sorted set | the waiters that want this backend, likewise | the same |
 * | `rebuilding` | string | routers there were before Redis was away | one lease time after the first is back, at least 3 s |
 * | `freed` | channel | the waiter who should try now | |
 *
 * Leases and waiters are named `ROUTER:NUMBER`, BACKEND is `POOL/NAME`, and a router has a new name
 * whenever it starts.
 */
export class RedisKeys {
  readonly replicas: string;
  readonly seen: string;
  readonly waiting: string;
  readonly rebuilding: string;
  readonly freed: string;

  constructor(prefix: string, pool: string) {
    const base = `${prefix}:{${pool}}`;
    this.replicas = `${base}:replicas`;
    this.seen = `${base}:seen`;
    this.waiting = `${base}:waiting`;
    this.rebuilding = `${base}:rebuilding`;
    this.freed = `${base}:freed`;
    this.#base = base;
  }

  readonly #base: string;

  leases(backendId: string): string {
    return `${this.#base}:leases:${backendId}`;
  }

  line(backendId: string): string {
    return `${this.#base}:line:${backendId}`;
  }
}

/**
 * `PREFIX:admin`, a hash that stays: what operators said of backends. `POOL/NAME state` -> `draining` or
 * `disabled`, `POOL/NAME weight` -> a number, an empty text where the file counts again; `version` ->
 * another random text at every change.
 */
export const adminKey = (prefix: string): string => `${prefix}:admin`;
