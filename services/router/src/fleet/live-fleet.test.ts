import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { Agent } from 'undici';
import { expect, test } from 'vitest';
import { MemoryAdminOverrides } from '../administration/memory-admin-overrides.js';
import { HealthChecks } from '../backends/health-checks.js';
import { MemoryConnectionLedger } from '../connections/memory-connection-ledger.js';
import { BackendSearch } from '../proxy/backend-search.js';
import { closedPort } from '../test-support/servers.js';
import { fleetOf, quiet } from '../test-support/test-router.js';
import { LiveFleet } from './live-fleet.js';

const URL = 'http://127.0.0.1:9';

const yamlOf = (backends: Record<string, string>, settings = '', rest = '') => {
  const list = Object.entries(backends).map(([name, about]) => `{ name: ${name}, ${about} }`);
  return fleetOf(`pools: { p: { backends: [${list}]${settings} } }\ndefault: p\n${rest}`);
};
const at = (url: string, more = '') => `url: "${url}", model: m${more}`;

function liveOf(backends: Record<string, string>, settings = '', rest = '') {
  const dispatcher = new Agent();
  const health = new HealthChecks(dispatcher, quiet);
  const intents = {
    classify: () => Promise.reject(new Error('unused')),
    keepAtMost: () => undefined,
  };
  const live = new LiveFleet({ fleet: yamlOf(backends, settings, rest), health, intents });
  const overrides = new MemoryAdminOverrides(() => live.administer());
  live.follow(overrides);
  const backend = (name: string) => {
    const found = live.current.registry.pool('p').backends.find((one) => one.name === name);
    if (!found) throw new Error(`no backend ${name}`);
    return found;
  };
  return {
    live,
    overrides,
    backend,
    async [Symbol.asyncDispose]() {
      await health.close();
      await dispatcher.destroy();
    },
  };
}

test('what is known of a backend stays while its URL does', async () => {
  await using fleet = liveOf({ a: at(URL), b: at(URL) });
  const [a, b] = [fleet.backend('a'), fleet.backend('b')];
  for (let i = 0; i < 3; i++) a.health.failed();
  a.answeredAfter(70);
  b.answeredAfter(70);
  const pool = fleet.live.current.registry.pool('p');
  pool.hedges.sent = 4;
  pool.queue.refused.full = 2;
  await fleet.live.apply(
    yamlOf(
      { a: at(URL, ', weight: 5, capacity: 7'), b: at(`${URL}/other`) },
      ', queue: { size: 3 }',
    ),
  );
  expect(fleet.backend('a')).toBe(a);
  expect(a).toMatchObject({ weight: 5, capacity: 7, timeToFirstByteMs: 70 });
  expect(a.health.ejections.consecutive).toBe(1);
  expect(fleet.backend('b')).not.toBe(b);
  expect(fleet.backend('b').timeToFirstByteMs).toBeUndefined();
  const now = fleet.live.current.registry.pool('p');
  expect(now.hedges.sent).toBe(4);
  expect(now.queue).toMatchObject({ refused: { full: 2 }, settings: { size: 3 } });
});

test('settings of health and budgets are those of the new file', async () => {
  await using fleet = liveOf({ a: at(URL) }, '', 'ejection: { failures: 100 }');
  const { health } = fleet.backend('a');
  for (let i = 0; i < 5; i++) health.failed();
  expect(health.ejections.consecutive).toBe(0);
  const rest =
    'ejection: { failures: 6, windowMs: 500 }\nretries: { budget: 0, minPerSecond: 2, windowMs: 1000 }';
  await fleet.live.apply(yamlOf({ a: at(URL) }, '', rest));
  // A backend that its probes found dead is not ejected on top.
  health.probeAnswered();
  health.failed();
  expect(health.ejections.consecutive).toBe(1);
  expect(fleet.live.current.registry.pool('p').retries.left).toBe(2);
});

test('a new backend has been probed before it is offered requests', async () => {
  await using well = await startSimulatedBackend({ name: 'w', slots: 6, models: ['m1'] });
  await using fleet = liveOf({ a: at(URL) });
  await fleet.live.apply(
    yamlOf({
      a: at(URL),
      w: `url: "${well.url}"`,
      x: `url: "http://127.0.0.1:${await closedPort()}"`,
    }),
  );
  expect(fleet.backend('w')).toMatchObject({ models: ['m1'], capacity: 6 });
  expect(fleet.backend('x').health.state).toBe('dead');
});

test('what operators said holds for backends that come back, over what the file says', async () => {
  await using fleet = liveOf({ a: at(URL), b: at(URL) });
  await fleet.overrides.change('p/b', { state: 'draining', weight: 4 });
  await fleet.live.apply(yamlOf({ a: at(URL) }));
  await fleet.live.apply(yamlOf({ a: at(URL), b: at(`${URL}/x`, ', weight: 9') }));
  expect(fleet.backend('b')).toMatchObject({ state: 'draining', weight: 4 });
  await fleet.overrides.change('p/b', { state: 'active', weight: null });
  expect(fleet.backend('b')).toMatchObject({ state: 'active', weight: 9 });
});

test('a request that waits gets a slot of a backend that the new file brought', async () => {
  await using well = await startSimulatedBackend({ name: 'w' });
  const one = at(well.url, ', capacity: 1');
  await using fleet = liveOf({ a: one });
  const ledger = new MemoryConnectionLedger();
  const searching = () => {
    const { registry } = fleet.live.current;
    return new BackendSearch({
      registry,
      newest: () => fleet.live.current.registry,
      ledger,
      decision: { pool: 'p', source: 'explicit', reason: '', classifyMs: 0 },
      demands: { images: false, tools: false, tokens: 1 },
      keys: { of: () => 'k' },
      gone: new AbortController().signal,
    });
  };
  const first = searching();
  expect((await first.next())?.backend.name).toBe('a');
  const waiting = searching();
  const found = waiting.next();
  await expect.poll(() => ledger.waiting('p').here).toBe(1);
  await fleet.live.apply(yamlOf({ a: one, b: one }));
  expect((await found)?.backend.name).toBe('b');
  first.release();
  waiting.release();
  expect(ledger.inFlight('p', 'p/a').here).toBe(0);
  await ledger.close();
});
