import { type SimulatedBackend, startSimulatedBackend } from '@switchyard/simulated-backend';
import { Agent } from 'undici';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { parseFleet } from '../configuration/load-fleet.js';
import { MemoryConnectionLedger } from '../connections/memory-connection-ledger.js';
import { fleetOf, quiet } from '../test-support/test-router.js';
import { BackendRegistry } from './backend-registry.js';
import { HealthChecks } from './health-checks.js';
import { WarmUps } from './warm-ups.js';

/** A simulated server whose model takes a while to load, looked at every 20 ms. */
async function watched(warm: string, about = '', options: { coldStartMs?: number } = {}) {
  const server = await startSimulatedBackend({
    name: 's',
    models: ['llama3.1:latest', 'other'],
    coldStartMs: 150,
    loaded: true,
    ttftMs: 0,
    ...options,
  });
  const yaml = `pools: { p: { warm: ${warm}, backends: [{ name: a, url: "${server.url}"${about} }] } }\ndefault: p\n`;
  const registry = new BackendRegistry(fleetOf(yaml));
  const [backend] = registry.backends();
  if (!backend) throw new Error('no backend');
  const dispatcher = new Agent();
  const ledger = new MemoryConnectionLedger();
  const warmUps = new WarmUps({
    dispatcher,
    acquire: (pool, shortlist) => ledger.acquire(pool, shortlist),
    logger: quiet,
  });
  const checks = new HealthChecks(dispatcher, quiet, Math.random, warmUps);
  await checks.follow(registry.backends(), { intervalMs: 20, timeoutMs: 500 });
  return {
    backend,
    server,
    ledger,
    async [Symbol.asyncDispose]() {
      await checks.close();
      await warmUps.close();
      await dispatcher.destroy();
      await server.close();
    },
  };
}

/** Bodies of the requests for completions that it got. */
const asked = (server: SimulatedBackend) =>
  server
    .requests()
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => JSON.parse(body));

async function leaveAndReturn({ server }: { server: SimulatedBackend }, cold = true) {
  await server.set({ fault: { type: 'error', status: 500, scope: 'all' } });
  return async (seen: () => void) => {
    await eventually(seen);
    await server.set({ fault: 'none', loaded: !cold });
  };
}

describe('a backend that comes back', () => {
  test('is warmed before it counts as well, with a lease of its own', async () => {
    await using one = await watched('true', ', model: m');
    const { backend, server, ledger } = one;
    expect(backend.standing).toBe('healthy');
    const back = await leaveAndReturn(one);
    await back(() => expect(backend.standing).toBe('silent'));
    await eventually(() => expect(backend.standing).toBe('warming'));
    await eventually(() => expect(ledger.inFlight('p', 'p/a').here).toBe(1));
    await eventually(() => expect(backend.standing).toBe('healthy'));
    expect(backend).toMatchObject({ warmth: 'warm', warmUps: { sent: 1, failed: 0 } });
    expect(asked(server)).toEqual([
      { model: 'm', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 },
    ]);
    expect(ledger.inFlight('p', 'p/a').here).toBe(0);
  });

  test('is not warmed when it says that its model is there', async () => {
    await using one = await watched('ollama', ', model: llama3.1');
    const { backend, server } = one;
    const back = await leaveAndReturn(one, false);
    await back(() => expect(backend.standing).toBe('silent'));
    await eventually(() => expect(backend.standing).toBe('healthy'));
    expect(backend.warmth).toBe('warm');
    expect(asked(server)).toEqual([]);
  });

  test('and cannot be warmed is cold, and tried again', async () => {
    await using one = await watched('{ request: { path: /v1/x, body: { n: 1 } }, timeoutMs: 50 }');
    const { backend, server } = one;
    const back = await leaveAndReturn(one);
    await back(() => expect(backend.standing).toBe('silent'));
    await eventually(() => expect(backend.warmUps.failed).toBeGreaterThan(0));
    // The first attempt set off the loading, and a later one finds it done.
    await eventually(() => expect(backend.warmth).toBe('warm'));
    expect(backend.warmUps.sent).toBeGreaterThan(backend.warmUps.failed);
    expect(asked(server)[0]).toMatchObject({ n: 1 });
  });
});

describe.each(['ollama', 'llama-swap'])('one that unloads its model, as %s says', (detect) => {
  test('is warmed', async () => {
    await using one = await watched(detect, ', model: "llama3.1:latest"');
    const { backend, server } = one;
    await server.set({ loaded: false });
    await eventually(() => expect(backend.standing).toBe('warming'));
    await eventually(() => expect(backend.warmth).toBe('warm'));
    expect(backend.warmUps).toEqual({ sent: 1, failed: 0 });
  });

  test('without a request is cold until it has it again', async () => {
    await using one = await watched(`{ detect: ${detect}, request: false }`);
    const { backend, server } = one;
    await server.set({ loaded: false });
    await eventually(() => expect(backend.isCold).toBe(true));
    expect(backend.standing).toBe('healthy');
    await server.set({ loaded: true });
    await eventually(() => expect(backend.isCold).toBe(false));
    expect(asked(server)).toEqual([]);
  });

  test('that has another model loaded is not warm', async () => {
    await using one = await watched(`{ detect: ${detect}, request: false }`, ', model: third');
    await eventually(() => expect(one.backend.isCold).toBe(true));
  });
});

test('one that is drained is warmed when it is active again', async () => {
  await using one = await watched('true');
  const { backend, server } = one;
  backend.admin = { state: 'draining' };
  const back = await leaveAndReturn(one);
  await back(() => expect(backend.health.state).toBe('silent'));
  await eventually(() => expect(backend).toMatchObject({ warmth: 'cold', standing: 'healthy' }));
  expect(asked(server)).toEqual([]);
  backend.admin = {};
  await eventually(() => expect(backend.warmth).toBe('warm'));
  expect(backend.warmUps.sent).toBe(1);
});

test('nothing is done where it is not asked for', async () => {
  await using one = await watched('ollama', ', warm: false');
  await one.server.set({ loaded: false });
  const { probes } = one.server.stats();
  await eventually(() => expect(one.server.stats().probes).toBeGreaterThan(probes + 3));
  expect(one.backend).toMatchObject({ warmth: 'warm', warmUps: { sent: 0 } });
});

test.each([
  ['maybe', 'detect: must be one of ollama, llama-swap'],
  ['{ detect: vllm }', 'detect: must be one of ollama, llama-swap'],
  ['{ probe: ollama }', 'probe: is not a known setting'],
  ['3', ': must be true, false, ollama, llama-swap, or settings'],
  ['{ request: { path: /x, body: {} } }', 'request.path: must start with /v1/'],
  [
    '{ request: false }',
    'request: may be false only with detect, or nothing would ever be known to be warm',
  ],
])('warm: %s is refused', (warm, problem) => {
  const problems: string[] = [];
  const source = `pools: { p: { warm: ${warm}, backends: [{ name: a, url: "http://h" }] } }\ndefault: p\n`;
  parseFleet(source, {}, problems);
  expect(problems[0]).toBe(
    problem.startsWith(':') ? `pools.p.warm${problem}` : `pools.p.warm.${problem}`,
  );
});
