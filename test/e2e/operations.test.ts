import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { Traffic } from '../support/chaos/traffic.js';
import { metric } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import { Fleet, type FleetStatus } from '../support/fleet.js';
import { RedisServer } from '../support/redis-server.js';
import { Replicas } from '../support/replicas.js';
import { seededRandom } from '../support/seeded-random.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start({ appendOnly: true });
});
afterAll(() => redis[Symbol.asyncDispose]());

const start = (count: number) =>
  Replicas.start({
    count,
    redisUrl: redis.url,
    pools: { main: ['a', 'b', 'c'] },
    poolSettings: { main: { policy: 'least-connections' } },
    settings: { slowStart: { ms: 0 } },
    simulation: { ttftMs: 0, tokensPerSecond: 40, slots: 100 },
  });

const backend = ({ pools }: FleetStatus, name: string) =>
  pools[0]?.backends.find((one) => one.name === name);

/** Milliseconds until the check holds at every router. */
async function everywhere(replicas: Replicas, check: (status: FleetStatus) => void) {
  const { tookMs } = await eventually(async () => {
    for (const index of replicas.routers.keys()) check(await replicas.status(index));
  });
  return Math.round(tookMs);
}

test('drain, weight, new, wrong and right configuration, and SIGTERM of a router lose nothing', async () => {
  await using replicas = await start(2);
  await using d = await startSimulatedBackend({
    name: 'd',
    ttftMs: 0,
    tokensPerSecond: 40,
    slots: 100,
  });
  const traffic = new Traffic(replicas, {
    random: seededRandom(5),
    requestsPerSecond: 25,
    models: { 'pool:main': 1 },
    phase: () => 'operations',
    leaving: 0,
    connectAnew: true,
  });
  traffic.start();
  const a = replicas.fleet.backend('a');
  await eventually(() => expect(a.stats().inFlight).toBeGreaterThan(0));
  const took: Record<string, number> = {};

  const answer = await replicas.administer(0, 'main', 'a', { state: 'draining' });
  expect(await answer.json()).toMatchObject({ state: 'draining', administration: 'shared' });
  took.drain = await everywhere(replicas, (status) =>
    expect(backend(status, 'a')?.state).toBe('draining'),
  );
  await eventually(() => expect(a.stats().inFlight).toBe(0));
  const { requests, aborted } = a.stats();
  expect(aborted).toBe(0);

  await replicas.administer(1, 'main', 'b', { weight: 3 });
  took.weight = await everywhere(replicas, (status) =>
    expect(backend(status, 'b')?.weight).toBe(3),
  );

  const file = parse(replicas.fleet.yaml);
  file.pools.main.backends.splice(2, 1, { name: 'd', url: d.url, model: 'another' });
  const changed = stringify(file);
  await replicas.configure(changed);
  took.reload = await everywhere(replicas, (status) => {
    expect(backend(status, 'd')).toBeDefined();
    expect(backend(status, 'c')).toBeUndefined();
  });
  await eventually(() => expect(replicas.fleet.backend('c').stats().inFlight).toBe(0));
  await eventually(() => expect(d.stats().completed).toBeGreaterThan(0));

  await replicas.configure(changed.replace('least-connections', 'most-connections'));
  took.refusal = await everywhere(replicas, ({ configuration }) => {
    expect(configuration.problems[0]).toContain('pools.main.policy: must be one of');
    expect(configuration.refused).toBe(1);
  });
  expect(await metric(replicas.router(0), 'switchyard_config_valid')).toBe(0);
  await eventually(() =>
    expect(replicas.router(0).log).toContainEqual(
      expect.objectContaining({ msg: 'configuration refused; the one before stays in force' }),
    ),
  );
  await replicas.configure(changed);
  await everywhere(replicas, ({ configuration }) => expect(configuration.problems).toEqual([]));

  expect(await replicas.router(1).kill('SIGTERM')).toBe(0);
  await replicas.restart(1);
  await everywhere(replicas, (status) => {
    expect(backend(status, 'a')).toMatchObject({ state: 'draining' });
    expect(backend(status, 'b')).toMatchObject({ weight: 3 });
  });
  expect(a.stats().requests).toBe(requests);

  await replicas.administer(1, 'main', 'a', { state: 'active' });
  await replicas.administer(1, 'main', 'b', { weight: null });
  await everywhere(replicas, (status) => {
    expect(backend(status, 'a')?.state).toBe('active');
    expect(backend(status, 'b')?.weight).toBe(1);
  });
  await eventually(() => expect(a.stats().requests).toBeGreaterThan(requests));

  await traffic.stop();
  expect(traffic.asked.filter(({ outcome }) => outcome !== 'served')).toEqual([]);
  expect(traffic.asked.length).toBeGreaterThan(50);
  await everywhere(replicas, ({ pools }) => {
    for (const one of pools[0]?.backends ?? []) expect(one.inFlightCluster).toBe(0);
  });
  process.stdout.write(
    `${traffic.asked.length} requests, none lost; every router followed after (ms): ${JSON.stringify(took)}\n`,
  );
}, 60_000);

test('without Redis changes are of one router, which says so, and all have them when it is back', async () => {
  await using own = await RedisServer.start({ appendOnly: true });
  await using replicas = await Replicas.start({
    count: 2,
    redisUrl: own.url,
    pools: { main: ['a', 'b'] },
  });
  await replicas.administer(0, 'main', 'a', { state: 'disabled' });
  await everywhere(replicas, (status) => expect(backend(status, 'a')?.state).toBe('disabled'));
  await own.kill();
  const answer = await replicas.administer(0, 'main', 'b', { weight: 2 });
  expect(await answer.json()).toMatchObject({ weight: 2, administration: 'local' });
  expect((await replicas.status(0)).administration).toEqual({ kind: 'shared', state: 'local' });
  expect(backend(await replicas.status(1), 'b')?.weight).toBe(1);
  expect(backend(await replicas.status(1), 'a')?.state).toBe('disabled');
  await own.restart();
  await everywhere(replicas, (status) => {
    expect(backend(status, 'b')?.weight).toBe(2);
    expect(status.administration.state).toBe('shared');
  });

  await own.client.flushall();
  await eventually(async () => {
    const kept = await own.client.hgetall(`${replicas.prefix}:admin`);
    expect(kept).toMatchObject({ 'main/a state': 'disabled', 'main/b weight': '2' });
  });
  expect(await replicas.router(1).kill('SIGTERM')).toBe(0);
  await replicas.restart(1);
  expect(backend(await replicas.status(1), 'a')?.state).toBe('disabled');
});

test('SIGHUP reads the file again and ends nothing', async () => {
  await using fleet = await Fleet.start({
    pools: { main: ['a'] },
    simulation: { ttftMs: 0, tokensPerSecond: 40 },
  });
  const stream = await fleet.chat('x', { model: 'pool:main', stream: true, max_tokens: 30 });
  const file = parse(fleet.yaml);
  file.pools.other = file.pools.main;
  await fleet.configure(stringify(file));
  process.kill(fleet.router.pid, 'SIGHUP');
  await eventually(async () => {
    const { pools } = await fleet.status();
    expect(pools.map(({ name }) => name)).toEqual(['main', 'other']);
  });
  // The signal comes first, unless the machine is so busy that the watch does.
  await eventually(() => {
    const applied = fleet.router.log.filter(({ msg }) => msg === 'configuration applied');
    expect(applied.map(({ reason }) => reason)).toEqual([expect.stringMatching(/SIGHUP|changed/)]);
  });
  expect(await stream.text()).toMatch(/data: \[DONE\]\n\n$/);
});
