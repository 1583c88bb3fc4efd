import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { Agent } from 'undici';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { closedPort, httpServer } from '../test-support/servers.js';
import { fleetOf, quiet } from '../test-support/test-router.js';
import { BackendRegistry } from './backend-registry.js';
import { HealthChecks } from './health-checks.js';

/** Health checks of one backend, every 20 ms. */
async function checking(
  url: string,
  settings = '',
  timeoutMs = 200,
  { intervalMs = 20, random = Math.random } = {},
) {
  const fleet = fleetOf(
    `pools: { p: { backends: [{ name: b, url: "${url}"${settings} }] } }\ndefault: p\n`,
  );
  const registry = new BackendRegistry(fleet);
  const dispatcher = new Agent();
  const checks = new HealthChecks(dispatcher, quiet, random);
  const backend = registry.backends()[0];
  if (!backend) throw new Error('no backend');
  await checks.follow(registry.backends(), { intervalMs, timeoutMs });
  return {
    backend,
    checks,
    async [Symbol.asyncDispose]() {
      await checks.close();
      await dispatcher.destroy();
    },
  };
}

describe('alive or dead', () => {
  test.each([
    [200, 'healthy'],
    [301, 'healthy'],
    [401, 'healthy'],
    [404, 'healthy'],
    [429, 'healthy'],
    [500, 'silent'],
    [503, 'silent'],
  ])('answers of %i: %s', async (status, state) => {
    let probes = 0;
    await using server = await httpServer((_request, response) => {
      probes++;
      response.writeHead(status).end();
    });
    await using checked = await checking(server.url, ', model: m');
    await eventually(() => expect(probes).toBeGreaterThan(3));
    expect(checked.backend.health.state).toBe(state);
  });

  test('nobody there: dead after the first round', async () => {
    await using checked = await checking(`http://127.0.0.1:${await closedPort()}`);
    expect(checked.backend.health.state).toBe('dead');
  });

  test('one that hangs is silent after two probes', async () => {
    await using server = await httpServer(() => undefined);
    await using checked = await checking(server.url, '', 50);
    expect(checked.backend.health.state).toBe('healthy');
    await eventually(() => expect(checked.backend.health.state).toBe('silent'));
  });

  test('one whose answer has no end has answered', async () => {
    let probes = 0;
    await using server = await httpServer((_request, response) => {
      probes++;
      response.write('x');
    });
    await using checked = await checking(server.url, ', model: m', 50);
    await eventually(() => expect(probes).toBeGreaterThan(3));
    expect(checked.backend.health.state).toBe('healthy');
    // Each probe is cut off at its time limit: at most one is open.
    expect(server.sockets.size).toBeLessThan(3);
  });

  test('gone and back', async () => {
    await using server = await startSimulatedBackend({ name: 'b' });
    await using checked = await checking(server.url);
    expect(checked.backend.health.state).toBe('healthy');
    await server.set({ fault: 'refuse' });
    await eventually(() => expect(checked.backend.health.state).toBe('dead'));
    await server.set({ fault: 'none' });
    await eventually(() => expect(checked.backend.health.state).toBe('healthy'));
    await server.set({ fault: { type: 'error', status: 500, scope: 'all' } });
    await eventually(() => expect(checked.backend.health.state).toBe('silent'));
  });
});

test('a fleet of many backends is no leak of listeners', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const url = `http://127.0.0.1:${await closedPort()}`;
  const backends = Array.from({ length: 20 }, (_, n) => `{ name: b${n}, url: "${url}" }`);
  const fleet = fleetOf(`pools: { p: { backends: [${backends.join()}] } }\ndefault: p\n`);
  const all = new BackendRegistry(fleet).backends();
  const dispatcher = new Agent();
  const checks = new HealthChecks(dispatcher, quiet);
  await checks.follow(all, { intervalMs: 20, timeoutMs: 200 });
  await checks.close();
  await dispatcher.destroy();
  // Warnings are given between turns of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

describe('when it probes', () => {
  const hour = 3_600_000;

  test('the second probe comes at any time within the interval', async () => {
    await using server = await startSimulatedBackend({ name: 'b' });
    await using _checked = await checking(server.url, ', model: m, capacity: 9', 200, {
      intervalMs: hour,
      random: () => 0,
    });
    await eventually(() => expect(server.stats().probes).toBe(2));
  });

  test('one that a request found dead is looked at soon, however long the interval', async () => {
    await using server = await startSimulatedBackend({ name: 'b' });
    await using checked = await checking(server.url, ', model: m, capacity: 9', 200, {
      intervalMs: hour,
      random: () => 0.999,
    });
    expect(server.stats().probes).toBe(1);
    checked.backend.health.unreachable();
    await eventually(() => expect(checked.backend.health.state).toBe('healthy'));
  });
});

test('the path is the configured one under the base URL, with the key of the backend', async () => {
  const seen = new Set<string>();
  await using server = await httpServer((request, response) => {
    seen.add(`${request.url} ${request.headers.authorization}`);
    response.end('{}');
  });
  const settings = ', apiKey: sesame, model: m, capacity: 9, health: { path: "/up?deep=1" }';
  await using _checked = await checking(`${server.url}/base`, settings);
  expect([...seen]).toEqual(['/base/up?deep=1 Bearer sesame']);
});

test('a server such as Ollama, without /health, is asked for /', async () => {
  await using server = await httpServer((request, response) => {
    if (request.url === '/') response.end('Ollama is running');
    else if (request.url === '/v1/models')
      response.end('{"object":"list","data":[{"id":"llama3:8b"},{"id":"qwen3"}]}');
    else response.writeHead(500).end();
  });
  await using checked = await checking(server.url, ', health: { path: / }');
  expect(checked.backend.health.state).toBe('healthy');
  expect(checked.backend.models).toEqual(['llama3:8b', 'qwen3']);
});

describe('models', () => {
  test('a configured one is not asked for', async () => {
    await using server = await startSimulatedBackend({ name: 'b', models: ['other'] });
    await using checked = await checking(server.url, ', model: mine');
    expect(checked.backend.models).toEqual(['mine']);
    expect(server.requests().map(({ path }) => path)).not.toContain('/v1/models');
  });

  test('are learnt when the backend comes up later', async () => {
    await using server = await startSimulatedBackend({
      name: 'b',
      models: ['m1'],
      fault: 'refuse',
    });
    await using checked = await checking(server.url);
    expect(checked.backend.models).toEqual([]);
    await server.set({ fault: 'none' });
    await eventually(() => expect(checked.backend.models).toEqual(['m1']));
  });

  test('follow what the backend serves, and outlive its errors', async () => {
    await using server = await startSimulatedBackend({ name: 'b', models: ['m1'] });
    await using checked = await checking(server.url);
    await server.set({ models: ['m2', 'm3'] });
    await eventually(() => expect(checked.backend.models).toEqual(['m2', 'm3']));
    await server.set({ fault: { type: 'error', status: 500, scope: 'all' } });
    await eventually(() => expect(checked.backend.health.state).toBe('silent'));
    expect(checked.backend.models).toEqual(['m2', 'm3']);
  });

  test.each([
    ['no JSON', 200, 'hello'],
    ['another shape', 200, '{"models":[]}'],
    ['ids that are none', 200, '{"data":[{"id":7}]}'],
    ['an empty id', 200, '{"data":[{"id":""}]}'],
    ['an error', 404, '{"data":[{"id":"m"}]}'],
    ['no end of it', 200, `{"data":[{"id":"${'x'.repeat(5 * 1024 * 1024)}"}]}`],
    ['an empty list', 200, '{"data":[]}'],
  ])('%s: none, and the backend is well', async (_what, status, body) => {
    await using server = await httpServer((request, response) => {
      if (request.url === '/v1/models') response.writeHead(status).end(body);
      else response.end();
    });
    await using checked = await checking(server.url);
    expect(checked.backend.models).toEqual([]);
    expect(checked.backend.health.state).toBe('healthy');
  });

  test('a list that never ends in time is given up', async () => {
    await using server = await httpServer((request, response) => {
      if (request.url === '/v1/models') response.write('{"data":[');
      else response.end();
    });
    await using checked = await checking(server.url, '', 50);
    expect(checked.backend.models).toEqual([]);
  });
});

test('close ends the probes', async () => {
  await using server = await startSimulatedBackend({ name: 'b' });
  await using checked = await checking(server.url);
  await checked.checks.close();
  const { probes } = server.stats();
  expect(probes).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(server.stats().probes).toBe(probes);
});
