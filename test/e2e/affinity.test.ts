import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { Replicas } from '../support/replicas.js';
import { seededRandom } from '../support/seeded-random.js';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const LOAD_BOUND = 1.25;
const sessions = Array.from({ length: 400 }, (_, i) => `session ${i}`);

let redis: RedisServer;
let replicas: Replicas;
beforeAll(async () => {
  redis = await RedisServer.start();
  const affinity = { key: 'session', loadBound: LOAD_BOUND };
  replicas = await Replicas.start({
    count: 2,
    redisUrl: redis.url,
    pools: { bound: NAMES, plain: NAMES, talk: NAMES },
    poolSettings: {
      bound: { affinity },
      plain: { affinity: { ...affinity, loadBound: false } },
      talk: { affinity: 'conversation' },
    },
    simulation: { ttftMs: 0, tokensPerSecond: 5, slots: 1000 },
    // Without it the slots that a backend tells would be split between the pools.
    backendSettings: Object.fromEntries(NAMES.map((name) => [name, { capacity: 1000 }])),
  });
});
afterAll(async () => {
  await replicas?.[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

/** Where a router would send it. */
async function home(index: number, session: string): Promise<string> {
  const response = await fetch(`${replicas.router(index).url}/route`, {
    method: 'POST',
    headers: { 'x-session-id': session },
    body: '{"model": "pool:bound", "prompt": "x"}',
  });
  return ((await response.json()) as { backend: string }).backend;
}

async function homes(index: number): Promise<string[]> {
  const found: string[] = [];
  for (const session of sessions) found.push(await home(index, session));
  return found;
}

test('a key has the same backend on every replica, and moves only when its backend goes', async () => {
  const before = await homes(0);
  expect(new Set(before)).toEqual(new Set(NAMES));
  expect(await homes(1)).toEqual(before);
  await replicas.administer(0, 'bound', 'c', { state: 'draining' });
  await eventually(async () =>
    expect(await home(1, sessions[before.indexOf('c')] ?? '')).not.toBe('c'),
  );
  const after = await homes(1);
  const moved = before.filter((backend, index) => backend !== after[index]);
  expect(new Set(moved)).toEqual(new Set(['c']));
  // How many keys a backend has, over 10,000 of them: affinity.test.ts beside the source.
  expect(moved.length).toBe(before.filter((backend) => backend === 'c').length);
  await replicas.administer(1, 'bound', 'c', { state: 'active' });
  await eventually(async () => expect(await homes(0)).toEqual(before));
});

test('all turns of a conversation meet the server that has read its beginning', async () => {
  const ask = async (index: number, topic: string, turns: number) => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: `Tell me about ${topic}.` },
      ...Array.from({ length: turns }, (_, turn) => [
        { role: 'assistant', content: `Part ${turn}.` },
        { role: 'user', content: 'Go on.' },
      ]).flat(),
    ];
    const response = await replicas.chat(index, { model: 'pool:talk', max_tokens: 1, messages });
    await response.text();
    expect(response.status).toBe(200);
    return response.headers.get('x-switchyard-backend');
  };
  const servers = new Set<string | null>();
  for (let topic = 0; topic < 12; topic++) {
    const first = await ask(0, `topic ${topic}`, 0);
    servers.add(first);
    for (let turn = 1; turn < 4; turn++)
      expect(await ask(turn % 2, `topic ${topic}`, turn)).toBe(first);
  }
  expect(servers.size).toBeGreaterThan(2);
});

test('the load bound holds through two routers when some keys are much busier than others', async () => {
  const random = seededRandom(3);
  /** Zipf's law: the k-th most frequent of 50 keys has a share of 1 / k. */
  const weights = Array.from({ length: 50 }, (_, k) => 1 / (k + 1));
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const draw = () => {
    let left = random() * sum;
    return weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
  };
  const drawn = Array.from({ length: 80 }, () => `key ${draw()}`);
  const most: Record<string, number> = {};
  for (const pool of ['bound', 'plain']) {
    const leaving = new AbortController();
    const streams = drawn.map((session, index) =>
      replicas.chat(
        index % 2,
        { model: `pool:${pool}`, stream: true, max_tokens: 1000 },
        {
          headers: { 'content-type': 'application/json', 'x-session-id': session },
          signal: leaving.signal,
        },
      ),
    );
    await Promise.all(streams);
    await eventually(async () => {
      const status = await replicas.status(0);
      const loads = status.pools
        .find(({ name }) => name === pool)
        ?.backends.map(({ inFlightCluster }) => inFlightCluster);
      expect(loads?.reduce((all, load) => all + load, 0)).toBe(drawn.length);
      most[pool] = Math.max(...(loads ?? []));
    });
    leaving.abort();
  }
  const limit = Math.ceil((LOAD_BOUND * drawn.length) / NAMES.length);
  expect(most.bound).toBeLessThanOrEqual(limit);
  expect(most.plain).toBeGreaterThan(limit);
  const pools = (await Promise.all([0, 1].map((index) => replicas.status(index)))).map(
    (status) => status.pools.find(({ name }) => name === 'bound')?.affinity,
  );
  const count = (served: 'home' | 'away') =>
    pools.reduce((all, one) => all + (one?.[served] ?? 0), 0);
  expect(count('home') + count('away')).toBe(drawn.length);
  expect(count('away')).toBeGreaterThan(0);
  process.stdout.write(
    `80 streams, 5 backends: at most ${most.bound} on one (limit ${limit}), by plain hashing ${most.plain}; ${count('home')} at home\n`,
  );
  await Promise.all(
    [0, 1].map((index) =>
      eventually(async () => {
        for (const { backends } of (await replicas.status(index)).pools)
          for (const { inFlight } of backends) expect(inFlight).toBe(0);
      }),
    ),
  );
});
