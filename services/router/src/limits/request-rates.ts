import type { RedisConnection } from '@switchyard/service-kit';
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
  RLWrapperTimeouts,
} from 'rate-limiter-flexible';

const WINDOW_S = 60;
/** A Redis that takes longer is done without, since requests wait for it. */
const REDIS_TIMEOUT_MS = 250;

/** What is left of a client's requests in the window. */
export interface Rate {
  allowed: boolean;
  limit: number;
  remaining: number;
  /** Until the next window. */
  resetMs: number;
}

/**
 * Requests per minute of each client, in windows that begin with the client's first request. Counted
 * in Redis for all routers (`PREFIX:rate:LIMIT:CLIENT`, gone after a minute); without Redis, or while
 * it is away, by each router alone.
 */
export class RequestRates {
  readonly #limiters = new Map<number, RateLimiterAbstract>();

  constructor(
    private readonly redis: RedisConnection | undefined,
    private readonly prefix: string,
  ) {}

  async take(client: string, perMinute: number): Promise<Rate> {
    const result = await this.#limiter(perMinute)
      .consume(client)
      .catch((refused: unknown) => {
        if (refused instanceof RateLimiterRes) return refused;
        throw refused;
      });
    const { consumedPoints, remainingPoints, msBeforeNext } = result;
    return {
      allowed: consumedPoints <= perMinute,
      limit: perMinute,
      remaining: remainingPoints,
      resetMs: msBeforeNext,
    };
  }

  #limiter(perMinute: number): RateLimiterAbstract {
    const known = this.#limiters.get(perMinute);
    if (known) return known;
    const limiter = this.#createLimiter(perMinute);
    this.#limiters.set(perMinute, limiter);
    return limiter;
  }

  #createLimiter(points: number): RateLimiterAbstract {
    const keyPrefix = `${this.prefix}:rate:${points}`;
    const alone = new RateLimiterMemory({ points, duration: WINDOW_S, keyPrefix });
    if (!this.redis) return alone;
    const shared = new RateLimiterRedis({
      storeClient: this.redis.client,
      rejectIfRedisNotReady: true,
      points,
      duration: WINDOW_S,
      keyPrefix,
    });
    return new RLWrapperTimeouts({
      limiter: shared,
      timeoutMs: REDIS_TIMEOUT_MS,
      insuranceLimiter: alone,
    });
  }
}
