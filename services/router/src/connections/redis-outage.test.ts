import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { RedisServer } from '../../../../test/support/redis-server.js';
import { candidate, inOrder, openRedisLedger } from '../test-support/redis-ledger.js';
import type { Lease } from './connection-ledger.js';
import type { RedisConnectionLedger } from './redis-connection-ledger.js';

const LEASE_MS = 1500;

let server: RedisServer;
beforeAll(async () => {
  // Nothing is written to disk: a restart loses every count.
  server = await RedisServer.start();
});
beforeEach(() => server.restart());
afterAll(() => server[Symbol.asyncDispose]());

/** So many routers on one Redis that know of each other. */
async function routers(count: number) {
  const prefix = randomUUID();
  const fleet = new Map([['pool', ['a', 'b']]]);
  const opened = await Promise.all(
    Array.from({ length: count }, () =>
      openRedisLedger(server.url, { prefix, leaseMs: LEASE_MS, fleet }),
    ),
  );
  const ledgers = opened.map(({ ledger }) => ledger);
  await eventually(() => {
    for (const ledger of ledgers) expect(ledger.status('pool').replicas).toBe(count);
  });
  return {
    ledgers,
    logs: opened.map(({ log }) => log),
    prefix,
    /** Leases in Redis itself. */
    inRedis: (backend: string) => server.client.zcard(`${prefix}:{pool}:leases:${backend}`),
    async [Symbol.asyncDispose]() {
      for (const one of opened) await one[Symbol.asyncDispose]();
    },
  };
}

async function takeAll(ledger: RedisConnectionLedger, id: string, capacity: number) {
  const leases: Lease[] = [];
  for (;;) {
    const lease = await ledger.acquire('pool', inOrder(candidate(id, capacity)));
    if (!lease) return leases;
    leases.push(lease);
  }
}

const counts = (ledger: RedisConnectionLedger) => ledger.status('pool').counts;

const allCount = (ledgers: readonly RedisConnectionLedger[], how: string) =>
  eventually(() => expect(ledgers.map(counts)).toEqual(ledgers.map(() => how)));

describe('while Redis is away', () => {
  test('each router keeps to its share of the capacity, at least one', async () => {
    await using three = await routers(3);
    await server.kill();
    for (const ledger of three.ledgers) {
      expect(await takeAll(ledger, 'a', 8)).toHaveLength(2);
      expect(await takeAll(ledger, 'b', 2)).toHaveLength(1);
      expect(ledger.status('pool')).toEqual({ kind: 'redis', counts: 'local', replicas: 3 });
    }
    await server.restart();
  });

  test('what others held counts until it would have expired', async () => {
    await using pair = await routers(2);
    const [one, other] = pair.ledgers as [RedisConnectionLedger, RedisConnectionLedger];
    for (let i = 0; i < 3; i++) await one.acquire('pool', inOrder(candidate('a', 4)));
    await eventually(() => expect(other.inFlight('pool', 'a').cluster).toBe(3));
    await server.kill();
    // Its share would be two, and three are known to run elsewhere.
    expect(await takeAll(other, 'a', 4)).toHaveLength(1);
    expect(await takeAll(one, 'a', 4)).toHaveLength(0);
    await sleep(LEASE_MS);
    expect(await takeAll(other, 'a', 4)).toHaveLength(1);
    await server.restart();
  });

  test('leases that end free their slots, and waiters get them in turn', async () => {
    await using single = await routers(1);
    const [ledger] = single.ledgers as [RedisConnectionLedger];
    const [held] = await takeAll(ledger, 'a', 1);
    const { signal } = new AbortController();
    const shortlist = () => inOrder(candidate('a', 1));
    const order: number[] = [];
    const waits = [1, 2].map((name) =>
      ledger.wait('pool', { shortlist, limit: 2, signal }).then((end) => {
        order.push(name);
        if (typeof end !== 'string') end.release();
      }),
    );
    await server.kill();
    await allCount([ledger], 'local');
    expect(await ledger.wait('pool', { shortlist, limit: 2, signal })).toBe('full');
    held?.release();
    await Promise.all(waits);
    expect(order).toEqual([1, 2]);
    expect(ledger.inFlight('pool', 'a').here).toBe(0);
    await server.restart();
    await allCount([ledger], 'shared');
    // Neither they nor the one that was refused stand in anybody's way.
    await eventually(async () => expect(await takeAll(ledger, 'a', 1)).toHaveLength(1));
  });

  test('a Redis that hangs holds up the first requests a second, and later ones not at all', async () => {
    await using pair = await routers(2);
    const [one] = pair.ledgers as [RedisConnectionLedger, RedisConnectionLedger];
    server.pause();
    const first = await Promise.all(
      Array.from({ length: 5 }, () => one.acquire('pool', inOrder(candidate('a', 100)))),
    );
    expect(first.every((lease) => lease !== undefined)).toBe(true);
    expect(counts(one)).toBe('local');
    const started = performance.now();
    for (let i = 0; i < 20; i++) await one.acquire('pool', inOrder(candidate('a', 100)));
    expect(performance.now() - started).toBeLessThan(300);
    server.resume();
    await allCount(pair.ledgers, 'shared');
    await eventually(async () => expect(await pair.inRedis('a')).toBe(25));
  });
});

describe('when Redis is back', () => {
  test('with nothing in it, counts are rebuilt from what the routers hold, and shared after a lease time', async () => {
    await using three = await routers(3);
    const [one, two, other] = three.ledgers as [
      RedisConnectionLedger,
      RedisConnectionLedger,
      RedisConnectionLedger,
    ];
    const held = await takeAll(one, 'a', 4);
    await server.kill();
    await allCount(three.ledgers, 'local');
    const later = await takeAll(two, 'b', 9);
    expect(later).toHaveLength(3);
    held.pop()?.release();
    await server.restart();
    await eventually(async () => {
      expect(await three.inRedis('a')).toBe(3);
      expect(await three.inRedis('b')).toBe(3);
    });
    await allCount(three.ledgers, 'shared');
    expect(await takeAll(other, 'a', 4)).toHaveLength(1);
    expect(await takeAll(other, 'b', 9)).toHaveLength(6);
    for (const lease of [...held, ...later]) lease.release();
    await eventually(async () => expect(await three.inRedis('a')).toBe(1));
  });

  test('until then a router takes neither more than its share nor more than is free', async () => {
    await using pair = await routers(2);
    const [one, other] = pair.ledgers as [RedisConnectionLedger, RedisConnectionLedger];
    await server.kill();
    await allCount(pair.ledgers, 'local');
    await server.restart();
    await eventually(() => {
      for (const ledger of pair.ledgers) expect(counts(ledger)).not.toBe('local');
    });
    const atOnce = Array.from({ length: 4 }, () => one.acquire('pool', inOrder(candidate('a', 4))));
    const mine = (await Promise.all(atOnce)).filter((lease) => lease !== undefined);
    const theirs = await takeAll(other, 'a', 4);
    // A slow machine may have reached the end of the lease time.
    if (counts(one) === 'rejoining' && counts(other) === 'rejoining') {
      expect([mine.length, theirs.length]).toEqual([2, 2]);
    }
    expect(mine.length + theirs.length).toBe(4);
  });

  test('a router that starts then keeps to its share as well', async () => {
    await using pair = await routers(2);
    await server.kill();
    await allCount(pair.ledgers, 'local');
    await server.restart();
    await eventually(async () => {
      expect(await server.client.exists(`${pair.prefix}:{pool}:rebuilding`)).toBe(1);
    });
    await using fresh = await openRedisLedger(server.url, { prefix: pair.prefix });
    expect(counts(fresh.ledger)).toBe('shared');
    const taken = await takeAll(fresh.ledger, 'a', 4);
    if (await server.client.exists(`${pair.prefix}:{pool}:rebuilding`))
      expect(taken).toHaveLength(2);
  });

  test('so soon that nobody saw it away, they keep to their shares all the same', async () => {
    await using pair = await routers(2);
    const [one, other] = pair.ledgers as [RedisConnectionLedger, RedisConnectionLedger];
    await takeAll(one, 'a', 1);
    await server.client.flushall();
    await eventually(async () => expect(await pair.inRedis('a')).toBe(1));
    expect(await server.client.get(`${pair.prefix}:{pool}:rebuilding`)).toBe('2');
    expect(await takeAll(other, 'b', 4)).toHaveLength(2);
  });

  test('it was a moment ago: what ended meanwhile does not stay counted', async () => {
    await using single = await routers(1);
    const [ledger] = single.ledgers as [RedisConnectionLedger];
    const leases = await takeAll(ledger, 'a', 3);
    server.pause();
    await ledger.acquire('pool', inOrder(candidate('b', 1)));
    expect(counts(ledger)).toBe('local');
    for (const lease of leases) lease.release();
    server.resume();
    await eventually(async () => {
      expect(await single.inRedis('a')).toBe(0);
      expect(await single.inRedis('b')).toBe(1);
    });
  });

  test('one line when it goes and one when it is back', async () => {
    await using pair = await routers(2);
    await server.kill();
    await allCount(pair.ledgers, 'local');
    await server.restart();
    await allCount(pair.ledgers, 'shared');
    for (const log of pair.logs)
      expect(log).toEqual([
        'Redis is away: counting connections of this router alone',
        'Redis is back: counts will be shared again',
      ]);
  });
});

test('a router that starts without Redis serves, and shares the counts when Redis comes', async () => {
  await server.kill();
  const prefix = randomUUID();
  const opening = openRedisLedger(server.url, { prefix, leaseMs: LEASE_MS });
  await sleep(100);
  await server.restart();
  await using opened = await opening;
  await using other = await openRedisLedger(server.url, { prefix, leaseMs: LEASE_MS });
  expect(await takeAll(opened.ledger, 'a', 3)).toHaveLength(3);
  expect(await takeAll(other.ledger, 'a', 3)).toHaveLength(0);
});
