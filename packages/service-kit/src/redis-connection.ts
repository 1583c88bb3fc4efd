import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { ConfigError } from './config-error.js';
import type { Logger } from './logger.js';
import { type RedisLocation, showRedisLocation } from './redis-location.js';

export type RedisClient = Redis | Cluster;

const CONNECT_TIMEOUT_MS = 5000;
/** A command without an answer for so long has failed; it may still take effect. */
const COMMAND_TIMEOUT_MS = 2000;
/** A server that says nothing for so long while it owes an answer is given up and connected to anew. */
const SILENCE_TIMEOUT_MS = 5000;
const FIRST_PAUSE_MS = 50;
/** The longest pause before it tries to connect again. */
export const LONGEST_REDIS_PAUSE_MS = 2000;
const CLOSE_TIMEOUT_MS = 1000;
/** Redirections and failovers that one command may follow. */
const MAX_REDIRECTIONS = 4;

/** Errors at connecting that only another REDIS_URL, or another server, can end. */
const REFUSALS: readonly [RegExp, string][] = [
  [/WRONGPASS|invalid password/i, 'Redis refuses the user or the password'],
  [/NOAUTH|NOPERM/, 'Redis wants a user or a password that it accepts'],
  [/DB index is out of range/i, 'Redis has no database of that number'],
  [/cluster support disabled/i, 'must be one URL: this Redis is no Cluster'],
];

export interface RedisConnectionOptions {
  /** Shown in `CLIENT LIST`. */
  name: string;
  logger: Logger;
  /**
   * For commands that wait on the server (XREAD BLOCK, BullMQ's workers): without time-outs, and
   * commands wait for Redis to come back instead of failing at once.
   */
  blocking?: boolean;
}

/**
 * A connection to a Redis server or Cluster, made again for ever with growing, random pauses. While
 * Redis is away commands fail at once; those that were under way fail and may have taken effect.
 */
export class RedisConnection implements AsyncDisposable {
  readonly client: RedisClient;
  readonly shown: string;
  readonly #logger: Logger;
  #wasReady: boolean | undefined;
  #lastError: Error | undefined;
  #closing = false;

  constructor(location: RedisLocation, { name, logger, blocking = false }: RedisConnectionOptions) {
    this.shown = showRedisLocation(location);
    this.#logger = logger;
    this.client = createClient(location, name, blocking);
    this.client.on('error', (error: Error) => {
      this.#lastError = innermost(error);
    });
    this.client.on('connect', () => {
      this.#lastError = undefined;
    });
    this.client.on('ready', () => this.#becomes(true));
    this.client.on('close', () => this.#becomes(false));
  }

  get isCluster(): boolean {
    return this.client instanceof Cluster;
  }

  /** Whether commands are sent now; with a Cluster single nodes may still be away. */
  get ready(): boolean {
    return this.client.status === 'ready';
  }

  /** Calls back at once when it is ready, and whenever it is ready again: time to subscribe. */
  onReady(listener: () => void): void {
    this.client.on('ready', listener);
    if (this.ready) listener();
  }

  /**
   * Waits for the connection; false when it takes longer. Throws ConfigError when Redis is there
   * and will not have us.
   */
  async whenReady(timeoutMs: number): Promise<boolean> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const { message = '' } = this.#lastError ?? {};
      const refusal = REFUSALS.find(([pattern]) => pattern.test(message));
      if (refusal) throw new ConfigError([`REDIS_URL: ${refusal[1]} (${this.shown})`]);
      if (this.ready) return true;
      if (Date.now() >= deadline) return false;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    this.#closing = true;
    let limit: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    if (this.ready) await Promise.race([this.client.quit().catch(() => undefined), tooLong]);
    clearTimeout(limit);
    this.client.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #becomes(ready: boolean): void {
    if (ready === this.#wasReady || this.#closing) return;
    this.#wasReady = ready;
    const about = { redis: this.shown, ...(!ready && { reason: this.#lastError?.message }) };
    if (ready) this.#logger.info(about, 'connected to Redis');
    else this.#logger.warn(about, 'Redis is away; connecting until it is back');
  }
}

function createClient(location: RedisLocation, name: string, blocking: boolean): RedisClient {
  const { nodes, tls, username, password, db } = location;
  const shared = {
    connectionName: name,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
    connectTimeout: CONNECT_TIMEOUT_MS,
    ...(!blocking && { commandTimeout: COMMAND_TIMEOUT_MS, socketTimeout: SILENCE_TIMEOUT_MS }),
    autoResendUnfulfilledCommands: blocking,
    // Nobody would handle its failure when the connection goes again at once; see onReady.
    autoResubscribe: false,
    maxRetriesPerRequest: blocking ? null : 0,
    // A primary that became a replica takes no writes; a new connection finds the new primary.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } satisfies RedisOptions;
  const [first] = nodes;
  if (nodes.length === 1 && first)
    return new Redis({
      ...first,
      ...shared,
      db,
      enableOfflineQueue: blocking,
      retryStrategy: pauseBefore,
    });
  return new Cluster([...nodes], {
    redisOptions: shared,
    enableOfflineQueue: blocking,
    clusterRetryStrategy: pauseBefore,
    clusterNodeRetryStrategy: pauseBefore,
    ...(!blocking && { maxRedirections: MAX_REDIRECTIONS }),
    // With TLS the certificate is for the name, which must not be resolved away.
    ...(tls && { dnsLookup: (host, found) => found(null, host) }),
  } satisfies ClusterOptions);
}

/** Between half and the whole of 2^n * FIRST_PAUSE_MS, so that replicas do not return in step. */
const pauseBefore = (attempt: number) =>
  Math.min(LONGEST_REDIS_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 16)) *
  (0.5 + 0.5 * Math.random());

/** A Cluster wraps the error of the last node it asked. */
function innermost(error: Error & { lastNodeError?: Error }): Error {
  return error.lastNodeError ? innermost(error.lastNodeError) : error;
}
