import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet, type FleetOptions } from '../support/fleet.js';
import { startRouter } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const names = ['a', 'b', 'c', 'd'];
const addresses = Array.from({ length: 60 }, (_, i) => `198.51.100.${i + 1}`);

const withPolicy = (policy: string, given: Partial<FleetOptions> = {}): FleetOptions => ({
  pools: { main: names },
  poolSettings: { main: { policy } },
  ...given,
});

async function servedBy(url: string, headers: Record<string, string> = {}): Promise<string> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"model": "pool:main", "messages": [{"role": "user", "content": "x"}]}',
  });
  await response.text();
  expect(response.status).toBe(200);
  return response.headers.get('x-switchyard-backend') ?? '';
}

/** Address -> backend; `liar` is what the client wrote into the header itself. */
async function mapping(url: string, liar = ''): Promise<Record<string, string>> {
  const map: Record<string, string> = {};
  for (const address of addresses)
    map[address] = await servedBy(url, { 'x-forwarded-for': `${liar}${address}` });
  return map;
}

describe('ip-hash', () => {
  const options = withPolicy('ip-hash', {
    settings: { trustedProxies: 1, health: { intervalMs: 200 }, slowStart: { ms: 500 } },
  });

  test('is the same on every replica and after a restart, whatever the client claims', async () => {
    await using fleet = await Fleet.start(options);
    await using directory = await temporaryDirectory();
    const map = await mapping(fleet.url);
    expect(new Set(Object.values(map))).toEqual(new Set(names));
    expect(await mapping(fleet.url, '203.0.113.7, ')).toEqual(map);
    await using replica = await startRouter({ directory: directory.path, yaml: fleet.yaml });
    expect(await mapping(replica.url)).toEqual(map);
  });

  test('moves only the keys of a backend that goes, and gives them back', async () => {
    await using fleet = await Fleet.start(options);
    const map = await mapping(fleet.url);
    await fleet.backend('b').set({ fault: 'refuse' });
    const without = await mapping(fleet.url);
    const moved = addresses.filter((address) => map[address] !== without[address]);
    expect(moved).toEqual(addresses.filter((address) => map[address] === 'b'));
    expect(moved.length).toBeGreaterThan(0);
    await fleet.backend('b').set({ fault: 'none' });
    // Its weight rises to the whole first: until then it has only some of its keys back.
    await eventually(async () => expect(await mapping(fleet.url)).toEqual(map));
  });

  test('without trusted proxies the header says nothing', async () => {
    await using fleet = await Fleet.start(withPolicy('ip-hash'));
    expect(new Set(Object.values(await mapping(fleet.url))).size).toBe(1);
  });
});

/** How many of so many requests one after the other each backend got. */
async function shares(fleet: Fleet, requests: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let i = 0; i < requests; i++) {
    const name = await servedBy(fleet.url);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

test('random follows the weights', async () => {
  await using fleet = await Fleet.start(
    withPolicy('random', { backendSettings: { a: { weight: 9 } } }),
  );
  const { a = 0, ...others } = await shares(fleet, 240);
  // a has 3/4: 180 expected, standard deviation below 7.
  expect(Math.abs(a - 180)).toBeLessThan(42);
  expect(Object.keys(others).sort()).toEqual(['b', 'c', 'd']);
});

test('power-of-two goes round one that is busy', async () => {
  await using fleet = await Fleet.start(withPolicy('power-of-two'));
  await fleet.backend('a').set({ fault: 'hang' });
  const stuck = new AbortController();
  let answered = 0;
  const asked = Array.from({ length: 40 }, () =>
    fleet
      .chat('x', { model: 'pool:main' }, stuck.signal)
      .then((response) => response.text())
      .then(() => answered++)
      .catch(() => undefined),
  );
  // Half of the pairs have no a in them; all but those that met a are answered.
  await eventually(() => {
    const { hanging } = fleet.backend('a').stats();
    expect(hanging).toBeGreaterThan(0);
    expect(answered + hanging).toBe(40);
  });
  const held = fleet.backend('a').stats().hanging;
  expect(await shares(fleet, 60)).not.toHaveProperty('a');
  expect(fleet.backend('a').stats().hanging).toBe(held);
  stuck.abort();
  await Promise.all(asked);
  await fleet.allLeasesReturned();
});

describe('least-latency', () => {
  test('prefers the quick backend, and finds a slow one that became quick', async () => {
    await using fleet = await Fleet.start(
      withPolicy('least-latency', { pools: { main: ['a', 'b'] } }),
    );
    await fleet.backend('a').set({ ttftMs: 600 });
    await fleet.backend('b').set({ ttftMs: 20 });
    const { a = 0, b = 0 } = await shares(fleet, 30);
    expect(a).toBeGreaterThan(0);
    expect(b).toBeGreaterThanOrEqual(20);
    await fleet.backend('a').set({ ttftMs: 0 });
    await fleet.backend('b').set({ ttftMs: 500 });
    await eventually(async () => expect(await servedBy(fleet.url)).toBe('a'));
  });

  test('never takes a backend that fails fast for a quick one', async () => {
    await using fleet = await Fleet.start(
      withPolicy('least-latency', {
        pools: { main: ['a', 'b'] },
        settings: { ejection: { failures: 1000, minRequests: 1000 } },
      }),
    );
    await fleet.backend('a').set({ fault: 'error:500' });
    await fleet.backend('b').set({ ttftMs: 60 });
    for (let i = 0; i < 40; i++) expect(await servedBy(fleet.url)).toBe('b');
    expect(fleet.backend('a').stats().requests).toBeLessThan(10);
  });
});
