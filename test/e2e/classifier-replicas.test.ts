import { appendFile, cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { call, classify, events } from '../support/classifier-client.js';
import { ended, importLine, Replicas } from '../support/classifier-replicas.js';
import { eventually } from '../support/eventually.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { RedisServer } from '../support/redis-server.js';

const PROMPTS = ['please water the orchids', 'where is my refund', 'sing me a song', 'hello there'];
const LIMIT_MS = 60_000;

const orchids = Array.from({ length: 20 }, (_, n) => `Water the orchids in room ${n}`);
const refunds = Array.from({ length: 20 }, (_, n) => `I want a refund for order ${n}`);

/** All replicas have the same exemplars and intents, and answer alike. */
async function expectAlike(replicas: Replicas): Promise<void> {
  await replicas.learned();
  const [first, ...others] = await replicas.views(PROMPTS);
  for (const other of others) expect(other).toEqual(first);
}

test('what one replica is told, all know, and all keep it over a restart', async () => {
  await using redis = await RedisServer.start({ appendOnly: true });
  await using replicas = await Replicas.start({ urls: [redis.url, redis.url, redis.url] });
  const [one, two, three] = [replicas.at(0), replicas.at(1), replicas.at(2)];
  const add = (service: { url: string }, intent: string, texts: string[], more = {}) =>
    call(service, 'POST', `/v1/intents/${intent}/exemplars`, { texts, ...more });
  const intentOn = (service: { url: string }, text: string) =>
    eventually(async () => (await classify(service, text)).intent);

  const added = await add(one, 'plants', orchids);
  expect(added.status).toBe(201);
  expect((await classify(one, 'Water the orchids')).intent).toBe('plants');
  const times: number[] = [];
  for (const other of [two, three]) {
    const { tookMs } = await eventually(async () =>
      expect((await classify(other, 'Water the orchids')).intent).toBe('plants'),
    );
    times.push(Math.round(tookMs));
  }
  console.log(`known on the other replicas after ${times.join(' and ')} ms`);

  // The routers of every replica hear of it.
  const until = new AbortController();
  const heard = (async () => {
    for await (const { indexVersion } of events(three, '/v1/changes', until.signal))
      if (indexVersion >= added.body.indexVersion + 2) return;
  })();
  await add(two, 'refunds', refunds);
  await call(three, 'PUT', '/v1/intents/refunds', { description: 'money back', threshold: 0.2 });
  await heard;
  until.abort();

  expect((await add(two, 'refunds', [orchids[0] ?? ''])).body.conflicts).toHaveLength(1);
  const moved = await add(three, 'gardens', [orchids[0] ?? ''], { onConflict: 'move' });
  expect(moved.body.added).toHaveLength(1);
  const id = added.body.added[1].id;
  expect((await call(two, 'DELETE', `/v1/intents/plants/exemplars/${id}`)).status).toBe(204);
  await add(one, 'gone', ['this will go']);
  expect((await call(one, 'DELETE', '/v1/intents/gone')).status).toBe(204);
  await expectAlike(replicas);
  const [before] = await replicas.views(PROMPTS);
  expect(before?.exemplars).toHaveLength(39);
  expect(before?.intents.map(({ name, exemplars }) => [name, exemplars])).toEqual([
    ['gardens', 1],
    ['plants', 18],
    ['refunds', 20],
  ]);
  expect((await intentOn(two, 'I want a refund for my order')).result).toBe('refunds');

  // Only one of them trains at a time, and none what another has learned.
  const learned = replicas.services.flatMap(({ log }) =>
    log.filter(({ msg }) => msg === 'trained').map(({ trainedOn }) => trainedOn),
  );
  expect(new Set(learned).size).toBe(learned.length);
  expect(learned.length).toBeGreaterThan(0);

  await one.kill();
  await two.kill('SIGTERM');
  await redis.restart();
  await Promise.all([replicas.start(0), replicas.start(1)]);
  await expectAlike(replicas);
  expect((await replicas.views(PROMPTS))[0]).toEqual(before);
}, 120_000);

test('the starter exemplars are loaded once, by one of them', async () => {
  await using redis = await RedisServer.start();
  const env = { STARTER_EXEMPLARS: 'on' };
  await using replicas = await Replicas.start({ urls: [redis.url, redis.url, redis.url], env });
  const loaded = replicas.services.map(({ log }) =>
    log.some(({ msg }) => msg === 'loaded the starter exemplars'),
  );
  expect(loaded.filter(Boolean)).toHaveLength(1);
  await expectAlike(replicas);
}, 120_000);

test('replicas, imports and the change stream run on a Redis Cluster of three nodes', async () => {
  await using cluster = await RedisCluster.start();
  await using replicas = await Replicas.start({ urls: [cluster.url, cluster.url] });
  const [one, two] = [replicas.at(0), replicas.at(1)];
  const lines = [
    ...Array.from({ length: 300 }, (_, n) => importLine('plants', `Water the orchids, part ${n}`)),
    'nonsense\n',
    ...Array.from({ length: 300 }, (_, n) => importLine('refunds', `A refund, case ${n}`)),
  ].join('');
  const accepted = await call(one, 'POST', '/v1/import', lines);
  expect(accepted.status).toBe(202);
  const job = await ended(two, accepted.body.job.id, LIMIT_MS);
  expect(job).toMatchObject({ state: 'completed', total: 601, added: 600, rejected: 1 });
  expect(job.failed.map(({ line }) => line)).toEqual([301]);
  await call(two, 'POST', '/v1/intents/plants/exemplars', { texts: orchids });
  await eventually(async () =>
    expect((await classify(one, 'Water the orchids, part 1000')).intent).toBe('plants'),
  );
  await expectAlike(replicas);
  // Everything is in the one slot of the prefix, so on one node.
  const sizes = await Promise.all(cluster.nodes.map(({ client }) => client.dbsize()));
  expect(sizes.filter((size) => size > 0)).toHaveLength(1);
}, 120_000);

test('a snapshot of other exemplars, and one that is damaged, are never served', async () => {
  await using here = await RedisServer.start();
  await using there = await RedisServer.start();
  await using replicas = await Replicas.start({ urls: [here.url, here.url] });
  await using foreign = await Replicas.start({ urls: [there.url] });
  const add = (service: { url: string }, intent: string, texts: string[]) =>
    call(service, 'POST', `/v1/intents/${intent}/exemplars`, { texts });
  await add(replicas.at(0), 'plants', orchids);
  await add(replicas.at(0), 'refunds', refunds.slice(0, 10));
  await add(foreign.at(0), 'music', orchids);
  await add(foreign.at(0), 'songs', refunds);
  await expectAlike(replicas);
  const [before] = await replicas.views(PROMPTS);
  await Promise.all(
    [replicas.at(0), replicas.at(1), foreign.at(0)].map((one) => one.kill('SIGTERM')),
  );

  const index = (of: Replicas, at: number) => join(of.directories[at]?.path ?? '', 'index');
  await rm(index(replicas, 0), { recursive: true });
  await cp(index(foreign, 0), index(replicas, 0), { recursive: true });
  const [newest = ''] = (await readdir(index(replicas, 1))).sort().reverse();
  const graph = (await readdir(join(index(replicas, 1), newest))).find((name) =>
    /graph/.test(name),
  );
  await appendFile(join(index(replicas, 1), newest, graph ?? ''), 'x');
  await Promise.all([replicas.start(0), replicas.start(1)]);
  const logged = replicas.services.map(({ log }) => log.map(({ msg }) => msg));
  expect(logged[0]).toContain('loaded the index');
  expect(logged[1]).toContain('a snapshot of the index cannot be used');
  await expectAlike(replicas);
  expect((await replicas.views(PROMPTS))[0]).toEqual(before);
}, 120_000);
