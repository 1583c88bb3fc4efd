import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { Agent } from 'undici';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { httpServer } from '../test-support/servers.js';
import { fleetOf, quiet } from '../test-support/test-router.js';
import { BackendRegistry } from './backend-registry.js';
import { HealthChecks } from './health-checks.js';

/** Capacities, by id, after the first round of health checks of this fleet. */
async function checked(pools: string) {
  const registry = new BackendRegistry(fleetOf(`pools: ${pools}\ndefault: p\n`));
  const dispatcher = new Agent();
  const settings = { intervalMs: 20, timeoutMs: 1000 };
  const checks = new HealthChecks(dispatcher, quiet);
  await checks.follow(registry.backends(), settings);
  return {
    capacities: () => Object.fromEntries(registry.backends().map((b) => [b.id, b.capacity])),
    async [Symbol.asyncDispose]() {
      await checks.close();
      await dispatcher.destroy();
    },
  };
}

describe('the capacity of a llama.cpp server', () => {
  test('is its slots, unless one is configured', async () => {
    await using server = await startSimulatedBackend({ name: 's', slots: 6 });
    await using one = await checked(`{ p: { backends: [{ name: a, url: "${server.url}" }] } }`);
    expect(one.capacities()).toEqual({ 'p/a': 6 });
    await using two = await checked(
      `{ p: { backends: [{ name: a, url: "${server.url}", capacity: 2 }] } }`,
    );
    expect(two.capacities()).toEqual({ 'p/a': 2 });
  });

  test('is split between the pools it is in', async () => {
    await using server = await startSimulatedBackend({ name: 's', slots: 6 });
    const entry = (more: string) => `backends: [{ name: a, url: "${server.url}"${more} }]`;
    await using fleet = await checked(
      `{ p: { ${entry('')} }, q: { ${entry('')} }, r: { ${entry(', capacity: 3')} } }`,
    );
    expect(fleet.capacities()).toEqual({ 'p/a': 2, 'q/a': 1, 'r/a': 3 });
  });

  test('is asked for again when it was restarted with another', async () => {
    await using server = await startSimulatedBackend({ name: 's', slots: 6 });
    await using fleet = await checked(`{ p: { backends: [{ name: a, url: "${server.url}" }] } }`);
    await server.set({ fault: { type: 'refuse', forMs: 200 }, slots: 3 });
    await eventually(() => expect(fleet.capacities()).toEqual({ 'p/a': 3 }));
  });
});

test.each([
  ['no such endpoint', 404, ''],
  ['an error', 501, '{"total_slots": 4}'],
  ['no JSON', 200, 'hello'],
  ['no slots', 200, '{"total_slots": 0}'],
  ['something else', 200, '[]'],
])('%s: no limit', async (_what, status, body) => {
  await using server = await httpServer((request, response) => {
    if (request.url === '/props') response.writeHead(status).end(body);
    else response.end('{"data": []}');
  });
  await using fleet = await checked(`{ p: { backends: [{ name: a, url: "${server.url}" }] } }`);
  expect(fleet.capacities()).toEqual({ 'p/a': Number.POSITIVE_INFINITY });
});
