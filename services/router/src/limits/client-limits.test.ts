import { randomUUID } from 'node:crypto';
import {
  createLogger,
  type HttpError,
  parseRedisUrl,
  RedisConnection,
} from '@switchyard/service-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RedisServer } from '../../../../test/support/redis-server.js';
import type { Limits } from '../configuration/schema.js';
import { MemoryConnectionLedger } from '../connections/memory-connection-ledger.js';
import { openRedisLedger } from '../test-support/redis-ledger.js';
import { ClientLimits } from './client-limits.js';
import { RequestRates } from './request-rates.js';

const quiet = createLogger('test', 'silent');

/** `admitted`, or how it was refused. */
async function refusalOf(admission: Promise<unknown>): Promise<HttpError | 'admitted'> {
  return admission.then(
    () => 'admitted',
    (error: HttpError) => error,
  );
}

describe('of one router', () => {
  const limitsOf = () =>
    new ClientLimits(new RequestRates(undefined, 'test'), new MemoryConnectionLedger());

  test('no limits, no headers', async () => {
    const { headers } = await limitsOf().admit('a', undefined);
    expect(headers).toEqual({});
  });

  test('so many requests a minute, each client for itself, with OpenAI headers', async () => {
    const clientLimits = limitsOf();
    const limits: Limits = { requestsPerMinute: 2, clients: { big: { requestsPerMinute: 5 } } };
    const first = await clientLimits.admit('small', limits);
    expect(first.headers).toMatchObject({
      'x-ratelimit-limit-requests': '2',
      'x-ratelimit-remaining-requests': '1',
    });
    await clientLimits.admit('small', limits);
    const refused = await refusalOf(clientLimits.admit('small', limits));
    expect(refused).toMatchObject({ status: 429, code: 'rate_limit_exceeded' });
    const seconds = Number((refused as HttpError).headers['retry-after']);
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThanOrEqual(60);
    for (let n = 0; n < 5; n++) await clientLimits.admit('big', limits);
    expect(await refusalOf(clientLimits.admit('big', limits))).toMatchObject({ status: 429 });
    await clientLimits.admit(undefined, limits);
  });

  test('so many at a time; what ends makes room; a refusal takes none', async () => {
    const clientLimits = limitsOf();
    const limits: Limits = { concurrent: 2, clients: {} };
    const [one] = [await clientLimits.admit('a', limits), await clientLimits.admit('a', limits)];
    expect(await refusalOf(clientLimits.admit('a', limits))).toMatchObject({
      code: 'rate_limit_exceeded',
      headers: { 'retry-after': '1' },
    });
    await clientLimits.admit('b', limits);
    one?.release();
    one?.release();
    await clientLimits.admit('a', limits);
    expect(await refusalOf(clientLimits.admit('a', limits))).not.toBe('admitted');
  });

  test('one over its rate occupies no place', async () => {
    const clientLimits = limitsOf();
    const limits: Limits = { requestsPerMinute: 1, concurrent: 1, clients: {} };
    (await clientLimits.admit('a', limits)).release();
    for (let n = 0; n < 3; n++) await refusalOf(clientLimits.admit('a', limits));
    const other: Limits = { concurrent: 1, clients: {} };
    expect(await refusalOf(clientLimits.admit('a', other))).toBe('admitted');
  });
});

describe('of routers that share a Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function router(prefix: string) {
    const opened = await openRedisLedger(server.url, { prefix });
    const redis = new RedisConnection(parseRedisUrl(server.url), { name: 'test', logger: quiet });
    await redis.whenReady(5000);
    const clientLimits = new ClientLimits(new RequestRates(redis, prefix), opened.ledger);
    return {
      clientLimits,
      async [Symbol.asyncDispose]() {
        await opened[Symbol.asyncDispose]();
        await redis.close();
      },
    };
  }

  test('both limits hold over all of them', async () => {
    const prefix = randomUUID();
    await using one = await router(prefix);
    await using two = await router(prefix);
    const rate: Limits = { requestsPerMinute: 3, clients: {} };
    await one.clientLimits.admit('a', rate);
    await two.clientLimits.admit('a', rate);
    await one.clientLimits.admit('a', rate);
    expect(await refusalOf(two.clientLimits.admit('a', rate))).toMatchObject({ status: 429 });
    const concurrent: Limits = { concurrent: 1, clients: {} };
    const held = await one.clientLimits.admit('b', concurrent);
    expect(await refusalOf(two.clientLimits.admit('b', concurrent))).toMatchObject({ status: 429 });
    held.release();
    await expect
      .poll(() => refusalOf(two.clientLimits.admit('b', concurrent)), { timeout: 10_000 })
      .toBe('admitted');
  });

  test('while Redis hangs each router counts for itself, and nobody waits for long', async () => {
    await using away = await RedisServer.start();
    const prefix = randomUUID();
    const redis = new RedisConnection(parseRedisUrl(away.url), { name: 'test', logger: quiet });
    await redis.whenReady(5000);
    const rates = new RequestRates(redis, prefix);
    away.pause();
    const taken = [];
    for (let n = 0; n < 3; n++) taken.push((await rates.take('a', 2)).allowed);
    expect(taken).toEqual([true, true, false]);
    away.resume();
    await redis.close();
  });
});
