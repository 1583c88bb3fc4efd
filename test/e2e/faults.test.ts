import type { SettingsInput } from '@switchyard/simulated-backend';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet, type FleetOptions } from '../support/fleet.js';

/** Primary pool with two backends that are asked in turn, spilling into a third. */
const pools: FleetOptions = {
  pools: { main: ['a', 'b'], spare: ['c'] },
  poolSettings: { main: { policy: 'round-robin', fallback: 'spare' } },
  settings: { timeouts: { connectMs: 1000, readMs: 1000 }, default: 'main' },
};

interface Row {
  name: string;
  faults: Record<string, SettingsInput['fault']>;
  /** Backends that see the request, in order. */
  tried: string[];
  status: number;
  served?: string;
  code?: string;
}

const error = (status: number) => ({ type: 'error', status }) as const;

const rows: Row[] = [
  { name: 'nothing wrong', faults: {}, tried: ['a'], status: 200, served: 'a' },
  ...[500, 502, 503, 429].map((status) => ({
    name: `${status} moves on within the pool`,
    faults: { a: error(status) },
    tried: ['a', 'b'],
    status: 200,
    served: 'b',
  })),
  {
    name: 'a reset moves on within the pool',
    faults: { a: 'reset' },
    tried: ['a', 'b'],
    status: 200,
    served: 'b',
  },
  {
    name: 'a time-out moves on within the pool',
    faults: { a: 'hang' },
    tried: ['a', 'b'],
    status: 200,
    served: 'b',
  },
  {
    name: 'a whole pool that fails spills into its fallback',
    faults: { a: error(500), b: error(503) },
    tried: ['a', 'b', 'c'],
    status: 200,
    served: 'c',
  },
  {
    name: 'different faults one after the other',
    faults: { a: 'hang', b: 'reset' },
    tried: ['a', 'b', 'c'],
    status: 200,
    served: 'c',
  },
  {
    name: "when all fail, the last one's own error passes through",
    faults: { a: error(500), b: error(503), c: { ...error(429), retryAfter: 7 } },
    tried: ['a', 'b', 'c'],
    status: 429,
    served: 'c',
  },
  {
    name: 'when the last one breaks, that is a 502',
    faults: { a: error(500), b: error(500), c: 'reset' },
    tried: ['a', 'b', 'c'],
    status: 502,
    code: 'backend_error',
  },
  {
    name: 'when the last one hangs, that is a 504',
    faults: { a: error(500), b: error(500), c: 'hang' },
    tried: ['a', 'b', 'c'],
    status: 504,
    code: 'backend_timeout',
  },
  ...[400, 401, 404, 422].map((status) => ({
    name: `${status} is the client's and is not tried elsewhere`,
    faults: { a: error(status) },
    tried: ['a'],
    status,
    served: 'a',
  })),
];

/** A backend that promises a stream and breaks off before its first event. */
const streamRow: Row = {
  name: 'headers without a body move on within the pool',
  faults: { a: 'cut:0' },
  tried: ['a', 'b'],
  status: 200,
  served: 'b',
};

describe.each([
  { stream: false, table: rows },
  { stream: true, table: [...rows, streamRow] },
])('before the first byte, stream: $stream', ({ stream, table }) => {
  test.concurrent.each(table)('$name', async ({ faults, tried, status, served, code }) => {
    await using fleet = await Fleet.start(pools);
    for (const [name, fault = 'none'] of Object.entries(faults))
      await fleet.backend(name).set({ fault });
    const response = await fleet.chat('hello', { model: 'pool:main', stream });
    const body = await response.text();
    expect(response.status).toBe(status);
    const seen = ['a', 'b', 'c'].flatMap((name) =>
      fleet
        .backend(name)
        .requests()
        .filter(({ path }) => path === '/v1/chat/completions')
        .map(({ receivedAt }) => ({ name, receivedAt })),
    );
    seen.sort((x, y) => x.receivedAt - y.receivedAt);
    expect(new Set(seen.map(({ name }) => name))).toEqual(new Set(tried));
    expect(seen).toHaveLength(tried.length);
    expect(response.headers.get('x-switchyard-attempts')).toBe(String(tried.length));
    if (served) expect(response.headers.get('x-simulated-backend')).toBe(served);
    if (served) expect(response.headers.get('x-switchyard-backend')).toBe(served);
    if (code) expect(JSON.parse(body).error).toMatchObject({ code, type: 'server_error' });
    if (status === 429) expect(response.headers.get('retry-after')).toBe('7');
    await fleet.allLeasesReturned();
  });
});

test('a refused connection moves on, and the dead backend is not asked again until it is back', async () => {
  await using fleet = await Fleet.start(pools);
  await fleet.backend('a').set({ fault: 'refuse' });
  for (let i = 0; i < 6; i++) {
    const response = await fleet.chat(`number ${i}`, { model: 'pool:main' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-switchyard-backend')).toBe('b');
    await response.text();
  }
  const main = async () => (await fleet.status()).pools[0]?.backends;
  expect(await main()).toMatchObject([
    { name: 'a', healthy: false },
    { name: 'b', healthy: true },
  ]);
  await fleet.backend('a').set({ fault: 'none' });
  await eventually(async () => {
    const response = await fleet.chat('back?', { model: 'pool:main' });
    await response.text();
    expect(response.headers.get('x-switchyard-backend')).toBe('a');
  });
  await fleet.allLeasesReturned();
});

test('failures in a row take a backend out for a while; its health check brings it back', async () => {
  await using fleet = await Fleet.start({
    ...pools,
    settings: { default: 'main', ejection: { failures: 3, baseMs: 2000 } },
  });
  await fleet.backend('a').set({ fault: error(500) });
  for (let i = 0; i < 12; i++) await (await fleet.chat('x', { model: 'pool:main' })).text();
  const asked = () => fleet.backend('a').stats().requests;
  expect(asked()).toBe(3);
  const { pools: seen } = await fleet.status();
  expect(seen[0]?.backends[0]).toMatchObject({ name: 'a', health: 'ejected', healthy: false });
  await fleet.backend('a').set({ fault: 'none' });
  await eventually(async () => {
    const response = await fleet.chat('x', { model: 'pool:main' });
    await response.text();
    expect(response.headers.get('x-switchyard-backend')).toBe('a');
  });
});

test('when every backend is ejected, they are tried anyway', async () => {
  await using fleet = await Fleet.start({
    pools: { main: ['a'] },
    settings: { ejection: { failures: 1, baseMs: 60_000 } },
  });
  await fleet.backend('a').set({ fault: { type: 'error', status: 500, times: 1 } });
  expect((await fleet.chat('x')).status).toBe(500);
  expect((await fleet.status()).pools[0]?.backends[0]).toMatchObject({ health: 'ejected' });
  expect((await fleet.chat('x')).status).toBe(200);
});

test('when no backend is up, 503 says so with Retry-After, and /ready is false', async () => {
  await using fleet = await Fleet.start({ pools: { main: ['a'] } });
  await fleet.backend('a').set({ fault: 'refuse' });
  const first = await fleet.chat('x');
  expect(first.status).toBe(502);
  const second = await fleet.chat('x');
  expect(second.status).toBe(503);
  expect(second.headers.get('retry-after')).toBe('1');
  expect(await second.json()).toMatchObject({ error: { code: 'no_backend_available' } });
  expect((await fetch(`${fleet.url}/ready`)).status).toBe(503);
  expect((await fetch(`${fleet.url}/health`)).status).toBe(200);
});

describe('after the first byte nothing is tried again', () => {
  const slow = { tokens: 20, tokensPerSecond: 100 };

  test('a stream that breaks ends with an error event, and the connection closes', async () => {
    await using fleet = await Fleet.start({ ...pools, simulation: slow });
    await fleet.backend('a').set({ fault: 'cut:5' });
    const response = await fleet.chat('hello', { model: 'pool:main', stream: true });
    expect(response.status).toBe(200);
    const events = (await response.text()).split('\n\n').filter(Boolean);
    const last = JSON.parse(events.at(-1)?.replace(/^data: /, '') ?? '');
    expect(last).toMatchObject({ error: { code: 'backend_error', type: 'server_error' } });
    expect(events).not.toContain('data: [DONE]');
    expect(events.length).toBeGreaterThan(5);
    expect(fleet.backend('b').stats().requests).toBe(0);
    await fleet.allLeasesReturned();
  });

  test('an answer of known length that breaks ends with the connection', async () => {
    await using fleet = await Fleet.start({ ...pools, simulation: slow });
    await fleet.backend('a').set({ fault: 'cut:5' });
    const response = await fleet.chat('hello', { model: 'pool:main' });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
    expect(fleet.backend('b').stats().requests).toBe(0);
    await fleet.allLeasesReturned();
  });

  test('a slow trickle is passed on until it is complete', async () => {
    await using fleet = await Fleet.start(pools);
    await fleet.backend('a').set({ fault: 'trickle:1' });
    const response = await fleet.chat('hello', { model: 'pool:main', stream: true });
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
    await fleet.allLeasesReturned();
  });
});

test('a full pool spills into its fallback, and a full fleet says so', async () => {
  await using fleet = await Fleet.start({
    ...pools,
    pools: { main: ['a'], spare: ['c'] },
    backendSettings: { a: { capacity: 1 }, c: { capacity: 1 } },
    poolSettings: { main: { fallback: 'spare', queue: { timeoutMs: 50 } } },
    simulation: { ttftMs: 1500 },
  });
  const ask = () => fleet.chat('x', { model: 'pool:main' });
  const running = [ask(), ask()];
  await eventually(async () => {
    const { pools: seen } = await fleet.status();
    expect(seen.map(({ backends }) => backends[0]?.inFlight)).toEqual([1, 1]);
  });
  const third = await ask();
  expect(third.status).toBe(503);
  expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await third.json()).toMatchObject({
    error: { code: 'no_backend_available', message: expect.stringContaining('busy') },
  });
  const served = (await Promise.all(running)).map((r) => r.headers.get('x-switchyard-backend'));
  expect(served.sort()).toEqual(['a', 'c']);
  await fleet.allLeasesReturned();
});
