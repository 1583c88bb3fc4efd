import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { RedisServer } from '../../../../test/support/redis-server.js';
import { candidate, inOrder, openRedisLedger } from '../test-support/redis-ledger.js';
import { connectionLedgerContract } from './connection-ledger.contract.js';
import { waitingContract } from './waiting.contract.js';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const open = async () => ({
  ...(await openRedisLedger(server.url, { prefix: randomUUID() })),
  pool: 'pool',
});

describe('RedisConnectionLedger', () => {
  connectionLedgerContract(open, { runs: 30 });
  waitingContract(open);
});

describe('two of them', () => {
  const two = async (leaseMs = 10_000) => {
    const prefix = randomUUID();
    const fleet = new Map([['pool', ['a', 'b']]]);
    const one = await openRedisLedger(server.url, { prefix, leaseMs, fleet });
    const other = await openRedisLedger(server.url, { prefix, leaseMs, fleet });
    return {
      one: one.ledger,
      other: other.ledger,
      prefix,
      async [Symbol.asyncDispose]() {
        await one[Symbol.asyncDispose]();
        await other[Symbol.asyncDispose]();
      },
    };
  };

  test('share the capacity, and each sees the counts of both', async () => {
    await using pair = await two();
    const { one, other } = pair;
    const shortlist = inOrder(candidate('a', 3), candidate('b', 1));
    const taken = [];
    for (const ledger of [one, other, one, other, one])
      taken.push((await ledger.acquire('pool', shortlist))?.backendId);
    expect(taken).toEqual(['a', 'a', 'a', 'b', undefined]);
    for (const [ledger, here] of [
      [one, 2],
      [other, 1],
    ] as const)
      await eventually(() => {
        expect(ledger.inFlight('pool', 'a')).toEqual({ here, cluster: 3 });
        expect(ledger.status('pool')).toEqual({ kind: 'redis', counts: 'shared', replicas: 2 });
      });
  });

  test('the choice takes all leases into account, not only those of one', async () => {
    await using pair = await two();
    const { one, other } = pair;
    const both = [candidate('a', 100), candidate('b', 100)];
    const least = { candidates: both, rule: { kind: 'leastLoaded' as const, among: 2 } };
    for (let i = 0; i < 10; i++) await one.acquire('pool', inOrder(candidate('a', 100)));
    const taken = [];
    for (let i = 0; i < 10; i++) taken.push((await other.acquire('pool', least))?.backendId);
    expect(taken).toEqual(Array(10).fill('b'));
  });

  // A machine that stalls for a second is taken for one whose Redis is away, where each has a line of its own.
  test('wait in one line: a slot given back at one goes to the oldest at the other', {
    retry: 2,
    timeout: 15_000,
  }, async () => {
    await using pair = await two();
    const { one, other } = pair;
    const shortlist = inOrder(candidate('a', 1));
    const held = await one.acquire('pool', shortlist);
    const { signal } = new AbortController();
    const waiting = { shortlist: () => shortlist, limit: 10, signal };
    const order: string[] = [];
    const ends = [];
    for (const [name, ledger] of Object.entries({ first: other, second: one, third: other })) {
      const before = ledger.waiting('pool').cluster;
      ends.push(
        ledger.wait('pool', waiting).then((end) => {
          order.push(name);
          if (typeof end !== 'string') setTimeout(() => end.release(), 5);
        }),
      );
      await expect.poll(() => ledger.waiting('pool').cluster).toBeGreaterThan(before);
    }
    // The fourth comes too late for a queue of three, wherever the others wait.
    expect(await one.wait('pool', { ...waiting, limit: 3 })).toBe('full');
    held?.release();
    await Promise.all(ends);
    expect(order).toEqual(['first', 'second', 'third']);
  });

  test('a freed slot wakes a waiter at the other at once, not when it next looks', async () => {
    await using pair = await two();
    const { one, other } = pair;
    const shortlist = inOrder(candidate('a', 1));
    const { signal } = new AbortController();
    const waits: number[] = [];
    for (let round = 0; round < 15; round++) {
      const held = await one.acquire('pool', shortlist);
      expect(held).toBeDefined();
      const end = other.wait('pool', { shortlist: () => shortlist, limit: 10, signal });
      await eventually(() => expect(other.waiting('pool').cluster).toBe(1));
      const released = performance.now();
      held?.release();
      const got = await end;
      waits.push(performance.now() - released);
      if (typeof got !== 'string') got.release();
      await eventually(() => expect(other.inFlight('pool', 'a').cluster).toBe(0));
    }
    // Looking again alone would take 125 ms on average.
    waits.sort((x, y) => x - y);
    expect(waits[7]).toBeLessThan(60);
  });

  test('one that has not said for a while that it is there keeps its place while it asks', async () => {
    await using pair = await two();
    const { one, other, prefix } = pair;
    const shortlist = inOrder(candidate('a', 1));
    const held = await one.acquire('pool', shortlist);
    const { signal } = new AbortController();
    const end = other.wait('pool', { shortlist: () => shortlist, limit: 10, signal });
    await expect.poll(() => other.waiting('pool').cluster).toBe(1);
    const key = (name: string) => `${prefix}:{pool}:${name}`;
    const [routers, leases] = [key('seen'), key('leases:a')];
    // A slot is free of which nobody was told, as when the machine was too busy to look for a while.
    const aged = server.client.multi().del(leases);
    for (const router of await server.client.zrange(routers, 0, -1)) aged.zadd(routers, 1, router);
    await aged.exec();
    expect(await other.acquire('pool', shortlist)).toBeUndefined();
    expect(await end).toMatchObject({ backendId: 'a' });
    held?.release();
  });

  test('one that closes leaves nothing behind, and no one waiting', async () => {
    await using pair = await two();
    const { one, other, prefix } = pair;
    const shortlist = inOrder(candidate('a', 1));
    await one.acquire('pool', shortlist);
    const { signal } = new AbortController();
    const end = other.wait('pool', { shortlist: () => shortlist, limit: 10, signal });
    await expect.poll(() => other.waiting('pool').cluster).toBe(1);
    await one.close();
    expect(await end).toMatchObject({ backendId: 'a' });
    await eventually(() => expect(other.status('pool').replicas).toBe(1));
    expect(await server.client.zcard(`${prefix}:{pool}:leases:a`)).toBe(1);
  });

  test('every key goes by itself when nobody is left', async () => {
    const pair = await two(500);
    const { one, other, prefix } = pair;
    await one.acquire('pool', inOrder(candidate('a', 1)));
    const { signal } = new AbortController();
    void other.wait('pool', { shortlist: () => inOrder(candidate('a', 1)), limit: 9, signal });
    const keys = () => server.client.keys(`${prefix}*`);
    await expect.poll(async () => (await keys()).length).toBeGreaterThan(3);
    for (const key of await keys())
      expect([key, await server.client.pttl(key)]).toEqual([key, expect.any(Number)]);
    for (const key of await keys()) expect(await server.client.pttl(key)).toBeGreaterThan(0);
    await pair[Symbol.asyncDispose]();
    expect(await server.client.zcard(`${prefix}:{pool}:leases:a`)).toBe(0);
    expect(await server.client.zcard(`${prefix}:{pool}:waiting`)).toBe(0);
  });
});
