import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metric } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { type ReplicaOptions, Replicas } from '../support/replicas.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start({ appendOnly: true });
});
afterAll(() => redis[Symbol.asyncDispose]());

const start = (options: Partial<ReplicaOptions> = {}) =>
  Replicas.start({
    count: 3,
    redisUrl: redis.url,
    pools: { main: ['a', 'b'] },
    backendSettings: { a: { capacity: 2 }, b: { capacity: 1 } },
    simulation: { ttftMs: 0, tokensPerSecond: 40, slots: 100 },
    ...options,
  });

/** Figures of the first pool of a router. */
const main = async (replicas: Replicas, index: number) => {
  const [pool] = (await replicas.status(index)).pools;
  if (!pool) throw new Error('no pool');
  return pool;
};

const inFlight = async (replicas: Replicas, index: number) =>
  (await main(replicas, index)).backends.map(({ inFlightCluster }) => inFlightCluster);

test('three routers are like one: capacity, queue and counts are those of all', async () => {
  await using replicas = await start();
  const body = { model: 'pool:main', stream: true, max_tokens: 20 };
  const asked = Array.from({ length: 9 }, (_, index) => replicas.chat(index % 3, body));
  await eventually(async () => {
    for (const index of [0, 1, 2]) {
      expect(await inFlight(replicas, index)).toEqual([2, 1]);
      const { queue, connections } = await main(replicas, index);
      expect(queue.waitingCluster).toBe(6);
      expect(connections).toEqual({ kind: 'redis', counts: 'shared', replicas: 3 });
    }
  });
  for (const response of await Promise.all(asked)) {
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
  }
  expect(replicas.fleet.backend('a').stats().maxInFlight).toBe(2);
  expect(replicas.fleet.backend('b').stats().maxInFlight).toBe(1);
  await eventually(async () => {
    for (const index of [0, 1, 2]) expect(await inFlight(replicas, index)).toEqual([0, 0]);
  });
});

test('a full queue is full for all, wherever the waiting ones are', async () => {
  await using replicas = await start({
    pools: { main: ['b'] },
    poolSettings: { main: { queue: { size: 2 } } },
  });
  const body = { model: 'pool:main', stream: true, max_tokens: 40 };
  const running = await replicas.chat(0, body);
  const waiting = [replicas.chat(1, body), replicas.chat(2, body)];
  await eventually(async () => {
    expect((await main(replicas, 0)).queue.waitingCluster).toBe(2);
  });
  const refused = await replicas.chat(0, body);
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ error: { code: 'queue_full' } });
  for (const response of [running, ...(await Promise.all(waiting))])
    expect(await response.text()).toContain('[DONE]');
});

test('a router killed with streams running gives its slots back, and nobody else loses one', async () => {
  await using replicas = await start({
    pools: { main: ['b'] },
    simulation: { ttftMs: 0, tokensPerSecond: 5, slots: 100 },
  });
  const long = { model: 'pool:main', stream: true, max_tokens: 1000 };
  const victim = replicas.chat(0, long);
  await victim;
  await eventually(async () => expect(await inFlight(replicas, 1)).toEqual([1]));
  const next = replicas.chat(1, { model: 'pool:main', stream: true, max_tokens: 1 });
  await eventually(async () => expect((await main(replicas, 1)).queue.waiting).toBe(1));
  await replicas.router(0).kill();
  // Its lease runs out while the next one waits.
  expect(await (await next).text()).toContain('[DONE]');
  await eventually(async () => {
    for (const index of [1, 2]) expect(await inFlight(replicas, index)).toEqual([0]);
    expect((await main(replicas, 1)).connections.replicas).toBe(2);
  });
});

test('SIGTERM leaves no lease and no name behind', async () => {
  await using replicas = await start();
  const stream = await replicas.chat(0, { model: 'pool:main', stream: true, max_tokens: 20 });
  const exit = replicas.router(0).kill('SIGTERM');
  expect(await stream.text()).toContain('[DONE]');
  expect(await exit).toBe(0);
  expect(await redis.client.zcard(`${replicas.prefix}:{main}:replicas`)).toBe(2);
  for (const name of ['a', 'b'])
    expect(await redis.client.zcard(`${replicas.prefix}:{main}:leases:main/${name}`)).toBe(0);
});

describe('without Redis', () => {
  test('requests are served all along; status, metric and one log line say so; it ends by itself', async () => {
    await using replicas = await start();
    const ask = async (index: number) => {
      const response = await replicas.chat(index, { model: 'pool:main', max_tokens: 1 });
      expect(response.status).toBe(200);
      await response.text();
    };
    const local = async (index: number) =>
      metric(replicas.router(index), 'switchyard_connection_counts{pool="main",counts="local"}');
    await eventually(async () => {
      for (const index of [0, 1, 2])
        expect((await main(replicas, index)).connections.replicas).toBe(3);
    });
    expect(await local(0)).toBe(0);
    await redis.kill();
    for (const index of [0, 1, 2, 0, 1, 2]) await ask(index);
    for (const index of [0, 1, 2]) {
      expect((await main(replicas, index)).connections).toMatchObject({
        counts: 'local',
        replicas: 3,
      });
      expect(await local(index)).toBe(1);
    }
    const ready = await fetch(`${replicas.router(0).url}/ready`);
    expect(ready.status).toBe(200);
    await redis.restart();
    await eventually(async () => {
      await ask(0);
      for (const index of [0, 1, 2])
        expect((await main(replicas, index)).connections.counts).toBe('shared');
    });
    const said = replicas
      .router(0)
      .log.map(({ msg }) => String(msg))
      .filter((message) => message.includes('counting connections'));
    expect(said).toEqual(['Redis is away: counting connections of this router alone']);
  });

  test('a router starts, and finds it later', async () => {
    await using later = await RedisServer.start();
    await later.kill();
    await using replicas = await start({ count: 1, redisUrl: later.url });
    const response = await replicas.chat(0, { model: 'pool:main', max_tokens: 1 });
    expect(response.status).toBe(200);
    expect((await main(replicas, 0)).connections.counts).toBe('local');
    await later.restart();
    await eventually(async () => {
      expect((await main(replicas, 0)).connections.counts).toBe('shared');
    });
  });
});
