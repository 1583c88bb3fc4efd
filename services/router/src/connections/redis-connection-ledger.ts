import { randomBytes } from 'node:crypto';
import type { Logger, RedisConnection } from '@switchyard/service-kit';
import type { Shortlist } from '../balancing/policy.js';
import type {
  ConnectionLedger,
  Lease,
  LedgerStatus,
  WaitEnd,
  Waiting,
} from './connection-ledger.js';
import { PoolScripts } from './pool-scripts.js';
import { RedisKeys } from './redis-keys.js';
import { RedisPool } from './redis-pool.js';
import { RedisScripts } from './redis-scripts.js';

/** Every pool looks at its counts this often; well below SEEN_GRACE_MS. */
const TICK_MS = 250;

export interface RedisLedgerOptions {
  connection: RedisConnection;
  /** Another one, since a connection that listens does nothing else. */
  listener: RedisConnection;
  /** What the names of all keys begin with. */
  prefix: string;
  /** Life of a lease between renewals. */
  leaseMs: number;
  /** Pools and the ids of their backends, asked at every look. */
  fleet?: () => ReadonlyMap<string, readonly string[]>;
  logger: Logger;
  random?: () => number;
  /** Milliseconds, monotonic. */
  now?: () => number;
}

/** Counts shared by all routers on one Redis; their own shares of the capacities while it is away. */
export class RedisConnectionLedger implements ConnectionLedger {
  readonly #pools = new Map<string, RedisPool>();
  readonly #scripts: RedisScripts;
  readonly #replica = randomBytes(9).toString('base64url');
  readonly #ticks: NodeJS.Timeout;
  #lastId = 0;
  #wasLocal = false;
  #isClosed = false;

  constructor(private readonly options: RedisLedgerOptions) {
    const { connection, listener } = options;
    this.#scripts = new RedisScripts(connection.client);
    connection.onReady(() => this.#tick());
    listener.onReady(() => {
      const pattern = new RedisKeys(options.prefix, '*').freed;
      listener.client.psubscribe(pattern).catch(() => undefined);
    });
    listener.client.on('pmessage', (_pattern: string, channel: string, id: string) => {
      if (id.startsWith(`${this.#replica}:`)) this.#poolOf(channel)?.call(id);
    });
    this.#ticks = setInterval(() => this.#tick(), Math.min(TICK_MS, options.leaseMs / 8));
  }

  /** Resolves when this router is known to the others, or Redis is found to be away. */
  static async open(options: RedisLedgerOptions): Promise<RedisConnectionLedger> {
    const ledger = new RedisConnectionLedger(options);
    ledger.#watchFleet();
    await Promise.allSettled([...ledger.#pools.values()].map((pool) => pool.renew()));
    return ledger;
  }

  acquire(pool: string, shortlist: Shortlist): Promise<Lease | undefined> {
    return this.#pool(pool).acquire(shortlist);
  }

  wait(pool: string, waiting: Waiting): Promise<WaitEnd> {
    return this.#pool(pool).wait(waiting);
  }

  inFlight(pool: string, backendId: string): { here: number; cluster: number } {
    return this.#pools.get(pool)?.inFlight(backendId) ?? { here: 0, cluster: 0 };
  }

  waiting(pool: string): { here: number; cluster: number } {
    return this.#pools.get(pool)?.waiting ?? { here: 0, cluster: 0 };
  }

  status(pool: string): LedgerStatus {
    const { counts, replicas } = this.#pool(pool);
    return { kind: 'redis', counts, replicas };
  }

  /** Sees the releases through, and takes this router out of the counts. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#ticks);
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }

  #pool(name: string): RedisPool {
    const known = this.#pools.get(name);
    if (known) return known;
    const { leaseMs, prefix, random = Math.random, now = () => performance.now() } = this.options;
    const keys = new RedisKeys(prefix, name);
    const pool = new RedisPool({
      scripts: new PoolScripts(this.#scripts, keys, this.#replica, leaseMs),
      leaseMs,
      newId: () => `${this.#replica}:${(this.#lastId++).toString(36)}`,
      random,
      now,
      onChange: (why) => this.#changed(why),
    });
    this.#pools.set(name, pool);
    return pool;
  }

  #poolOf(channel: string): RedisPool | undefined {
    return this.#pools.get(/\{(.*)\}/.exec(channel)?.[1] ?? '');
  }

  #tick(): void {
    if (this.#isClosed) return;
    this.#watchFleet();
    for (const pool of this.#pools.values()) pool.tick();
  }

  #watchFleet(): void {
    for (const [pool, backendIds] of this.options.fleet?.() ?? [])
      this.#pool(pool).watch(backendIds);
  }

  /** One line when the first pool is without Redis, and one when none is. */
  #changed(why: unknown): void {
    const local = [...this.#pools].filter(([, pool]) => pool.isLocal).map(([name]) => name);
    if (this.#wasLocal === local.length > 0) return;
    this.#wasLocal = local.length > 0;
    const { logger, leaseMs } = this.options;
    if (this.#wasLocal)
      logger.warn(
        { err: why, pools: local },
        'Redis is away: counting connections of this router alone',
      );
    else logger.info({ leaseMs }, 'Redis is back: counts are shared again after one lease time');
  }
}
