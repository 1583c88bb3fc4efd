import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { type Candidate, LedgerProcess } from '../support/ledger-process.js';
import { RedisServer } from '../support/redis-server.js';

const LEASE_MS = 1500;

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const backend = (id: string, capacity: number): Candidate => ({ id, capacity, weight: 1 });

async function processes(count: number) {
  const prefix = randomUUID();
  const started = await Promise.all(
    Array.from({ length: count }, () => LedgerProcess.start(server.url, prefix, LEASE_MS)),
  );
  /** Leases that have not expired, in Redis itself. */
  const leases = async (id: string) => {
    const [seconds = 0, micros = 0] = (await server.client.time()).map(Number);
    const now = seconds * 1000 + micros / 1000;
    return server.client.zcount(`${prefix}:{pool}:leases:${id}`, `(${now}`, '+inf');
  };
  return {
    all: started as [LedgerProcess, LedgerProcess, ...LedgerProcess[]],
    leases,
    prefix,
    async [Symbol.asyncDispose]() {
      for (const one of started) await one[Symbol.asyncDispose]();
    },
  };
}

test('processes that hammer one ledger never exceed a capacity, and end at zero', async () => {
  await using four = await processes(4);
  const candidates = [backend('a', 3), backend('b', 2), backend('c', 1)];
  const results = await Promise.all(
    four.all.map((one) => one.hammer({ ms: 3000, workers: 8, candidates })),
  );
  expect(results.map(({ exceeded }) => exceeded)).toEqual([0, 0, 0, 0]);
  expect(results.reduce((sum, { taken }) => sum + taken, 0)).toBeGreaterThan(100);
  for (const { id } of candidates)
    await eventually(async () => expect(await four.leases(id)).toBe(0));
  await eventually(async () =>
    expect(await server.client.zcard(`${four.prefix}:{pool}:waiting`)).toBe(0),
  );
});

test('the slots of a process that was killed are free within the lease time, the others stay', async () => {
  await using pair = await processes(2);
  const [victim, other] = pair.all;
  const a = backend('a', 3);
  expect([await victim.acquire(a), await victim.acquire(a)]).toEqual(['a', 'a']);
  expect([await other.acquire(a), await other.acquire(a)]).toEqual(['a', null]);
  const killedAt = performance.now();
  await victim[Symbol.asyncDispose]();
  await eventually(async () => expect(await other.acquire(a)).toBe('a'));
  // Its last renewal was before the kill; polling and a busy machine come on top.
  expect(performance.now() - killedAt).toBeLessThan(LEASE_MS + 1500);
  await eventually(async () => expect(await pair.leases('a')).toBe(2));
  await other.release();
  await other.release();
  await eventually(async () => expect(await pair.leases('a')).toBe(0));
});

test('a lease is kept for as long as it takes', async () => {
  await using pair = await processes(2);
  const [holder, other] = pair.all;
  expect(await holder.acquire(backend('a', 1))).toBe('a');
  const end = performance.now() + 3 * LEASE_MS;
  while (performance.now() < end) {
    expect(await other.acquire(backend('a', 1))).toBeNull();
    await sleep(50);
  }
  await holder.release();
  await eventually(async () => expect(await other.acquire(backend('a', 1))).toBe('a'));
});

test('a process that slept past its leases counts what still runs before it takes more', async () => {
  await using pair = await processes(2);
  const [sleeper, other] = pair.all;
  const a = backend('a', 3);
  for (let i = 0; i < 2; i++) expect(await sleeper.acquire(a)).toBe('a');
  sleeper.stop();
  // Its slots are given to others.
  await eventually(async () => expect(await other.acquire(a)).toBe('a'));
  for (let i = 0; i < 2; i++)
    await eventually(async () => expect(await other.acquire(a)).toBe('a'));
  expect(await pair.leases('a')).toBe(3);
  // It finds this question before anything else when it goes on.
  const asked = sleeper.acquire(a);
  sleeper.goOn();
  expect(await asked).toBeNull();
  expect(await pair.leases('a')).toBe(5);
  await sleeper.release();
  await sleeper.release();
  // Only its own two are gone, once.
  await eventually(async () => expect(await pair.leases('a')).toBe(3));
  expect(await sleeper.acquire(a)).toBeNull();
  for (let i = 0; i < 3; i++) await other.release();
  await eventually(async () => expect(await pair.leases('a')).toBe(0));
});

test('what ended while a process slept is not counted again', async () => {
  await using pair = await processes(2);
  const [sleeper, other] = pair.all;
  const a = backend('a', 2);
  for (let i = 0; i < 2; i++) expect(await sleeper.acquire(a)).toBe('a');
  sleeper.stop();
  await eventually(async () => expect(await other.acquire(a)).toBe('a'));
  // The end of its request is the first thing it learns.
  const released = sleeper.release();
  sleeper.goOn();
  await released;
  await eventually(async () => expect(await pair.leases('a')).toBe(2));
  await sleep(LEASE_MS);
  expect(await pair.leases('a')).toBe(2);
  await sleeper.release();
  await other.release();
  await eventually(async () => expect(await pair.leases('a')).toBe(0));
});
