import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet, type FleetOptions } from '../support/fleet.js';

const ask = async (fleet: Fleet) => {
  const response = await fleet.chat('x', { model: 'pool:main' });
  await response.text();
  return {
    status: response.status,
    backend: response.headers.get('x-switchyard-backend') ?? '',
    attempts: Number(response.headers.get('x-switchyard-attempts')),
  };
};

async function counts(fleet: Fleet, requests: number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  for (let i = 0; i < requests; i++) {
    const { status, backend } = await ask(fleet);
    expect(status).toBe(200);
    seen[backend] = (seen[backend] ?? 0) + 1;
  }
  return seen;
}

const backends = async (fleet: Fleet) => (await fleet.status()).pools[0]?.backends ?? [];
const healthOf = async (fleet: Fleet) => (await backends(fleet)).map(({ health }) => health);

async function metric(
  fleet: Fleet,
  name: string,
  ...labels: string[]
): Promise<number | undefined> {
  const text = await (await fetch(`${fleet.url}/metrics`)).text();
  const line = text
    .split('\n')
    .find((one) => one.startsWith(name) && labels.every((label) => one.includes(label)));
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

const everyOther = { type: 'error', status: 500, every: 2 } as const;
const hour = 3_600_000;

describe('a backend that fails every other request', () => {
  const options: FleetOptions = {
    pools: { main: ['a', 'b', 'c', 'd'] },
    settings: {
      ejection: { failures: 3, minRequests: 10, windowMs: hour, baseMs: hour, maxMs: hour },
    },
  };

  test('is taken out for its error rate, though it never fails twice in a row', async () => {
    await using fleet = await Fleet.start(options);
    await fleet.backend('a').set({ fault: everyOther });
    await counts(fleet, 60);
    expect(await healthOf(fleet)).toEqual(['ejected', 'healthy', 'healthy', 'healthy']);
    const [a] = await backends(fleet);
    expect(a?.ejections).toEqual({ consecutive: 0, errorRate: 1 });
    expect(fleet.backend('a').stats().requests).toBe(10);
    const labels = ['backend="a"', 'reason="error_rate"'];
    expect(await metric(fleet, 'switchyard_ejections_total', ...labels)).toBe(1);
    expect(await metric(fleet, 'switchyard_backend_state', 'backend="a"', 'state="ejected"')).toBe(
      1,
    );
  });

  test('stays when half of the pool is out already', async () => {
    await using fleet = await Fleet.start(options);
    for (const name of ['a', 'b', 'c', 'd']) await fleet.backend(name).set({ fault: everyOther });
    for (let i = 0; i < 150; i++) await ask(fleet);
    const states = await healthOf(fleet);
    expect(states.filter((state) => state === 'ejected')).toHaveLength(2);
    expect(states.filter((state) => state === 'healthy')).toHaveLength(2);
  });
});

describe('a backend that came back', () => {
  const options = (policy: string): FleetOptions => ({
    pools: { main: ['a', 'b'] },
    poolSettings: { main: { policy } },
    settings: { health: { intervalMs: 200 }, slowStart: { ms: hour } },
  });

  const goneAndBack = async (fleet: Fleet) => {
    await fleet.backend('a').set({ fault: 'refuse' });
    await eventually(async () => expect(await healthOf(fleet)).toEqual(['dead', 'healthy']));
    await fleet.backend('a').set({ fault: 'none' });
    await eventually(async () => expect(await healthOf(fleet)).toEqual(['healthy', 'healthy']));
  };

  test('gets a tenth of its share at first, and not less at the start of the router', async () => {
    await using fleet = await Fleet.start(options('weighted'));
    expect(await counts(fleet, 40)).toEqual({ a: 20, b: 20 });
    await goneAndBack(fleet);
    expect((await backends(fleet)).map(({ effectiveWeight }) => effectiveWeight)).toEqual([0.1, 1]);
    expect(await metric(fleet, 'switchyard_backend_weight', 'backend="a"')).toBe(0.1);
    const { a = 0, b = 0 } = await counts(fleet, 110);
    expect(a).toBeGreaterThanOrEqual(9);
    expect(a).toBeLessThanOrEqual(11);
    expect(a + b).toBe(110);
  });

  test('by random, too', async () => {
    await using fleet = await Fleet.start(options('random'));
    await goneAndBack(fleet);
    // 1/11 of 110 is 10, with a standard deviation of 3; half would be 55.
    expect((await counts(fleet, 110)).a ?? 0).toBeLessThan(30);
  });

  test('has its whole weight in time', async () => {
    await using fleet = await Fleet.start({
      ...options('weighted'),
      settings: { health: { intervalMs: 200 }, slowStart: { ms: 1500 } },
    });
    await goneAndBack(fleet);
    await eventually(async () => expect((await backends(fleet))[0]?.effectiveWeight).toBe(1));
    expect(await counts(fleet, 20)).toEqual({ a: 10, b: 10 });
  });
});

test('Retry-After of a backend is honoured, shown, and over in time', async () => {
  await using fleet = await Fleet.start({
    pools: { main: ['a', 'b'] },
    settings: { retryAfter: { maxMs: 4000 } },
  });
  await fleet
    .backend('a')
    .set({ fault: { type: 'error', status: 429, retryAfter: 3600, times: 1 } });
  expect(await ask(fleet)).toEqual({ status: 200, backend: 'b', attempts: 2 });
  const [a] = await backends(fleet);
  expect(a).toMatchObject({ health: 'deferred', healthy: false });
  expect(a?.deferredForMs).toBeLessThanOrEqual(4000);
  await eventually(async () => expect((await ask(fleet)).backend).toBe('a'));
});

test('a pool in trouble gets a fifth more requests at most, and says so', async () => {
  await using fleet = await Fleet.start({
    pools: { main: ['a', 'b', 'c'] },
    simulation: { fault: 'error:500' },
    settings: { retries: { minPerSecond: 0, windowMs: hour } },
  });
  for (let i = 0; i < 50; i++) expect((await ask(fleet)).status).toBe(500);
  const seen = ['a', 'b', 'c'].map((name) => fleet.backend(name).stats().requests);
  expect(seen.reduce((sum, one) => sum + one)).toBe(60);
  const { retries } = (await fleet.status()).pools[0] ?? {};
  expect(retries).toMatchObject({ budgetLeft: 0, taken: 10 });
  expect(await metric(fleet, 'switchyard_retries_total', 'pool="main"')).toBe(10);
  expect(await metric(fleet, 'switchyard_retry_budget_left', 'pool="main"')).toBe(0);
  expect(await metric(fleet, 'switchyard_retries_denied_total', 'pool="main"')).toBe(
    retries?.denied,
  );
});

test('hedging makes a hanging backend cost little, and shows what it did', async () => {
  await using fleet = await Fleet.start({
    pools: { main: ['a', 'b'] },
    poolSettings: { main: { hedge: { percentile: 50, minSamples: 10, minMs: 100 } } },
  });
  await counts(fleet, 10);
  await fleet.backend('a').set({ fault: 'hang' });
  for (let i = 0; i < 6; i++) expect(await ask(fleet)).toMatchObject({ status: 200, backend: 'b' });
  await fleet.allLeasesReturned();
  await eventually(() => expect(fleet.backend('a').stats().hanging).toBe(0));
  const { hedging } = (await fleet.status()).pools[0] ?? {};
  // One for each turn of a, and more only where b was late on a busy machine.
  expect(hedging?.won).toBe(3);
  expect(await metric(fleet, 'switchyard_hedges_total', 'pool="main"')).toBe(hedging?.sent);
  expect(await metric(fleet, 'switchyard_hedges_won_total', 'pool="main"')).toBe(3);
  expect(await metric(fleet, 'switchyard_retries_total')).toBeUndefined();
  expect(
    await metric(fleet, 'switchyard_backend_latency_estimate_seconds', 'backend="a"'),
  ).toBeGreaterThan(0.05);
});
