import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';

/** A pool with one slot, and one it may spill into with another. */
const fleetWith = (spill: number) =>
  Fleet.start({
    pools: { main: ['a'], spare: ['b'] },
    backendSettings: { a: { capacity: 1 }, b: { capacity: 1 } },
    poolSettings: { main: { fallback: 'spare', queue: { spill } } },
    simulation: { ttftMs: 0, tokensPerSecond: 20, slots: 100 },
  });

const stream = (fleet: Fleet, pool: string, tokens = 10) =>
  fleet.chat('x', { model: `pool:${pool}`, stream: true, max_tokens: tokens });

const served = (response: Response) => response.headers.get('x-switchyard-backend');

const waiting = (fleet: Fleet, pool: number, count: number) =>
  eventually(async () => {
    expect((await fleet.status()).pools[pool]?.queue.waiting).toBe(count);
  });

describe('who finds the pool full', () => {
  test('moves to the fallback pool, where all may', async () => {
    await using fleet = await fleetWith(1);
    const first = await stream(fleet, 'main');
    const second = await stream(fleet, 'main');
    expect([served(first), served(second)]).toEqual(['a', 'b']);
    await Promise.all([first.text(), second.text()]);
    await fleet.allLeasesReturned();
  });

  test('waits for its own pool, where none may', async () => {
    await using fleet = await fleetWith(0);
    const first = await stream(fleet, 'main');
    const second = stream(fleet, 'main');
    await waiting(fleet, 0, 1);
    await first.text();
    expect(served(await second)).toBe('a');
    await (await second).text();
    expect(fleet.backend('b').stats().requests).toBe(0);
  });

  test('moves every other time, where half may', async () => {
    await using fleet = await fleetWith(0.5);
    const first = await stream(fleet, 'main', 40);
    const second = stream(fleet, 'main');
    await waiting(fleet, 0, 1);
    const third = await stream(fleet, 'main');
    expect(served(third)).toBe('b');
    await Promise.all([first.text(), third.text()]);
    expect(served(await second)).toBe('a');
    await (await second).text();
  });

  test('and its fallback as well, gets whichever is free first', async () => {
    await using fleet = await fleetWith(1);
    const long = await stream(fleet, 'main', 60);
    const short = await stream(fleet, 'spare', 20);
    const both = stream(fleet, 'main');
    await waiting(fleet, 0, 1);
    await waiting(fleet, 1, 1);
    await short.text();
    expect(served(await both)).toBe('b');
    await waiting(fleet, 0, 0);
    await Promise.all([long.text(), both.then((response) => response.text())]);
    await fleet.allLeasesReturned();
  });

  test('takes the fallback in the end, if its own pool has no room in time', async () => {
    await using fleet = await Fleet.start({
      pools: { main: ['a'], spare: ['b'] },
      backendSettings: { a: { capacity: 1 } },
      poolSettings: { main: { fallback: 'spare', queue: { spill: 0, timeoutMs: 100 } } },
      simulation: { ttftMs: 0, tokensPerSecond: 20, slots: 100 },
    });
    const first = await stream(fleet, 'main', 30);
    const second = await stream(fleet, 'main');
    expect(served(second)).toBe('b');
    await Promise.all([first.text(), second.text()]);
  });
});

test('the slots of a llama.cpp server are its capacity, and are shown', async () => {
  await using fleet = await Fleet.start({
    pools: { main: ['a'] },
    simulation: { ttftMs: 50, tokensPerSecond: 0, slots: 2 },
  });
  const asked = Array.from({ length: 6 }, () => stream(fleet, 'main'));
  const [pool] = (await fleet.status()).pools;
  expect(pool?.backends[0]?.capacity).toBe(2);
  for (const response of await Promise.all(asked)) await response.text();
  // They waited here and not there.
  expect(fleet.backend('a').stats()).toMatchObject({ completed: 6, maxInFlight: 2, maxQueued: 0 });
});

test('/route answers at once while the pool is full', async () => {
  await using fleet = await fleetWith(1);
  const running = [await stream(fleet, 'main', 30), await stream(fleet, 'main', 30)];
  const response = await fleet.post('/route', { model: 'pool:main', prompt: 'x' });
  expect(await response.json()).toMatchObject({
    pool: 'main',
    backend: null,
    candidates: [{ backend: 'a', inFlight: 1, capacity: 1 }],
  });
  await Promise.all(running.map((one) => one.text()));
});
