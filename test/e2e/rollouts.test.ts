import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metric } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import { Fleet, type FleetOptions } from '../support/fleet.js';
import { startRouter } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Served {
  status: number;
  variant: string | null;
  backend: string | null;
  model: string;
}

async function ask(url: string, session: string, model = 'pool:main'): Promise<Served> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-session-id': session },
    body: JSON.stringify({ model, max_tokens: 1, messages: [{ role: 'user', content: 'x' }] }),
  });
  const body = (await response.json()) as { model: string };
  const header = (name: string) => response.headers.get(`x-switchyard-${name}`);
  return {
    status: response.status,
    variant: header('variant'),
    backend: header('backend'),
    model: body.model,
  };
}

const sessions = Array.from({ length: 200 }, (_, i) => `session ${i}`);

describe('variants', () => {
  const options: FleetOptions = {
    pools: { main: ['a', 'b', 'c'] },
    poolSettings: {
      main: {
        affinity: 'session',
        variants: {
          stable: { percent: 80, backends: ['a', 'b'] },
          canary: { percent: 20, backends: ['c'], model: 'model-v2' },
        },
      },
    },
    backendSettings: { a: { model: 'm' }, b: { model: 'm' }, c: { model: 'm' } },
    settings: { health: { intervalMs: 200 }, slowStart: { ms: 0 } },
  };
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.start(options);
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  test('a session keeps its variant and its backend, on every replica', async () => {
    await using directory = await temporaryDirectory();
    await using replica = await startRouter({ directory: directory.path, yaml: fleet.yaml });
    const counts: Record<string, number> = {};
    for (const session of sessions) {
      const served = await ask(fleet.url, session);
      counts[served.variant ?? ''] = (counts[served.variant ?? ''] ?? 0) + 1;
      expect(served.backend === 'c').toBe(served.variant === 'canary');
      expect(served.model).toBe(served.variant === 'canary' ? 'model-v2' : 'm');
      expect(await ask(replica.url, session)).toEqual(served);
    }
    // 160 to 40 expected, standard deviation below 6; over 10,000 keys: variants.test.ts.
    expect(Math.abs((counts.canary ?? 0) - 40)).toBeLessThan(24);
    expect((counts.canary ?? 0) + (counts.stable ?? 0)).toBe(sessions.length);
  });

  test('/route, /status and the metrics name it', async () => {
    const route = await fetch(`${fleet.url}/route`, {
      method: 'POST',
      headers: { 'x-session-id': sessions[0] ?? '' },
      body: '{"model": "pool:main", "prompt": "x"}',
    });
    const { variant, backend } = await ask(fleet.url, sessions[0] ?? '');
    expect(await route.json()).toMatchObject({ variant, backend });
    expect((await fleet.status()).pools[0]?.variants).toMatchObject([
      { name: 'stable', percent: 80, backends: ['a', 'b'] },
      { name: 'canary', percent: 20, model: 'model-v2' },
    ]);
    const metrics = await (await fetch(`${fleet.url}/metrics`)).text();
    expect(metrics).toMatch(/switchyard_requests_total\{.*backend="c",variant="canary".*\} \d+/);
  });

  test('a model asked for by name is served by the variants that have it', async () => {
    for (const session of sessions.slice(0, 40))
      expect(await ask(fleet.url, session, 'm')).toMatchObject({ variant: 'stable', model: 'm' });
  });

  test('the others stand in for one that is down', async () => {
    await fleet.backend('c').set({ fault: 'refuse' });
    for (const session of sessions.slice(0, 40))
      expect(await ask(fleet.url, session)).toMatchObject({ status: 200, variant: 'stable' });
    await fleet.backend('c').set({ fault: 'none' });
    await eventually(async () => {
      const served = await Promise.all(sessions.slice(0, 40).map((one) => ask(fleet.url, one)));
      expect(served.map(({ variant }) => variant)).toContain('canary');
    });
  });
});

const percentile = (values: number[], share: number) =>
  values.toSorted((one, other) => one - other)[Math.floor(share * (values.length - 1))] ?? 0;

describe('shadow', () => {
  const start = (shadow: Record<string, unknown> = {}) =>
    Fleet.start({
      pools: { main: ['a'], plain: ['b'], next: ['s'] },
      poolSettings: { main: { shadow: { pool: 'next', percent: 100, concurrency: 3, ...shadow } } },
      backendSettings: { s: { capacity: 50, model: 'next-model' } },
      simulation: { ttftMs: 5 },
    });

  const copies = (fleet: Fleet, outcome: string) =>
    metric(
      fleet,
      `switchyard_shadow_requests_total{pool="main",shadow="next",outcome="${outcome}"}`,
    );

  test('gets the requests of the pool, with its own model, and nobody sees its answers', async () => {
    await using fleet = await start();
    for (const session of sessions.slice(0, 10))
      expect(await ask(fleet.url, session)).toMatchObject({ status: 200, backend: 'a' });
    await ask(fleet.url, 'x', 'pool:plain');
    await eventually(async () => expect(await copies(fleet, 'answered')).toBe(10));
    const [copy] = fleet
      .backend('s')
      .requests()
      .filter(({ method }) => method === 'POST');
    expect(copy?.headers['x-switchyard-shadow']).toBe('main');
    expect(JSON.parse(copy?.body ?? '')).toMatchObject({ model: 'next-model', max_tokens: 1 });
    await fleet.allLeasesReturned();
  });

  test('takes no more than its share, and no request that is to be kept or is too large', async () => {
    await using fleet = await start({ percent: 0 });
    for (const session of sessions.slice(0, 10)) await ask(fleet.url, session);
    await using small = await start({ maxBodyBytes: 60 });
    await ask(small.url, 'x');
    await small.chat('hi', { model: 'pool:main', store: true });
    await eventually(async () => expect(await copies(small, 'too_large')).toBe(2));
    expect(fleet.backend('s').stats().requests + small.backend('s').stats().requests).toBe(0);
  });

  test('one that hangs, dies or fails changes nothing for the originals', async () => {
    await using fleet = await start({ timeoutMs: 1500 });
    const faults = ['none', 'hang', 'error:500', 'reset', 'refuse'] as const;
    const report: Record<string, string> = {};
    for (const fault of faults) {
      await fleet.backend('s').set({ fault });
      const times: Record<string, number[]> = { main: [], plain: [] };
      for (let round = 0; round < 30; round++)
        for (const pool of ['main', 'plain']) {
          const started = performance.now();
          const { status } = await ask(fleet.url, 'x', `pool:${pool}`);
          times[pool]?.push(performance.now() - started);
          expect(status).toBe(200);
        }
      const [main = [], plain = []] = [times.main, times.plain];
      report[fault] = [0.5, 0.95]
        .map((at) => `${percentile(main, at).toFixed(1)}/${percentile(plain, at).toFixed(1)}`)
        .join(' ');
      if (fault === 'hang') {
        // No more than may be under way at a time, however many are drawn.
        expect(fleet.backend('s').stats().hanging).toBe(3);
        expect(await copies(fleet, 'busy')).toBeGreaterThan(20);
        await eventually(async () => expect(await copies(fleet, 'timeout')).toBe(3));
      }
    }
    expect(await copies(fleet, 'failed')).toBeGreaterThan(0);
    await fleet.allLeasesReturned();
    const { pools } = await fleet.status();
    expect(pools.find(({ name }) => name === 'main')?.retries.taken).toBe(0);
    process.stdout.write(
      `ms with/without a shadow, p50 and p95, while it is: ${JSON.stringify(report)}\n`,
    );
  });
});
