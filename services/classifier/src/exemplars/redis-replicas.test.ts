import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { RedisServer } from '../../../../test/support/redis-server.js';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import { exemplarId } from './exemplar.js';
import { exemplar } from './exemplar-store.contract.js';
import { readCorpus } from './read-corpus.js';
import { RedisPlace } from './test-support/redis-place.js';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start({ appendOnly: true });
});
afterAll(() => server[Symbol.asyncDispose]());

const head = (...bytes: number[]) => ({ trainedOn: 1, bytes: Uint8Array.from(bytes) });

test('every replica hears every change, whole and in the same order', async () => {
  await using place = new RedisPlace(server.url);
  const replicas = await Promise.all([place.open(), place.open(), place.open()]);
  for (const replica of replicas) replica.follow();
  const [one, two, three] = replicas.map(({ store }) => store);
  if (!one || !two || !three) throw new Error('three were opened');
  await Promise.all([
    ...Array.from({ length: 20 }, (_, n) => one.add([exemplar('a', `one ${n}`)], 'reject')),
    ...Array.from({ length: 20 }, (_, n) => two.add([exemplar('a', `two ${n}`)], 'reject')),
    three.putIntent('b', { description: 'B' }),
    three.putSettings({ alpha: 0.1 }),
    three.putHead(head(1, 2)),
  ]);
  await two.remove('a', exemplarId('one 3'));
  await three.deleteIntent('b');
  await Promise.all(replicas.map(({ store }) => store.caughtUp()));
  expect(replicas[0]?.versions).toEqual(Array.from({ length: 45 }, (_, n) => n + 1));
  // Vectors and texts are those of the writer, whoever it was.
  expect(replicas[1]?.changes).toEqual(replicas[0]?.changes);
  expect(replicas[2]?.changes).toEqual(replicas[0]?.changes);
});

test('a replica that was away catches up, with what is still there of what was added', async () => {
  await using place = new RedisPlace(server.url);
  const writer = await place.open();
  const late = await place.open();
  for (let n = 0; n < 200; n++) await writer.store.add([exemplar('a', `${n}`)], 'reject');
  await writer.store.remove('a', exemplarId('7'));
  await late.follow().store.caughtUp();
  expect(late.versions).toEqual(Array.from({ length: 201 }, (_, n) => n + 1));
  const heard = late.changes.flatMap((change) =>
    change.type === 'exemplars-added' ? change.exemplars : [],
  );
  expect(heard).toHaveLength(199);
  expect(late.reloads).toBe(0);
});

test('a replica that is behind a trimmed stream reads everything anew, and follows again', async () => {
  await using place = new RedisPlace(server.url);
  const writer = await place.open();
  const late = await place.open();
  for (let n = 0; n < 20; n++) await writer.store.add([exemplar('a', `${n}`)], 'reject');
  await server.client.xtrim(place.key('changes'), 'MAXLEN', 5);
  late.follow();
  await eventually(() => expect(late.reloads).toBe(1));
  expect(late.store.version).toBe(20);
  await writer.store.add([exemplar('a', 'next')], 'reject');
  await late.store.caughtUp();
  expect(late.versions).toEqual([21]);
});

test('the stream keeps no more changes than it is told to, about', async () => {
  await using place = new RedisPlace(server.url);
  const { store } = await place.open({ keptChanges: 50 });
  for (let n = 0; n < 400; n++) await store.putIntent('a', { description: `${n}` });
  expect(await server.client.xlen(place.key('changes'))).toBeLessThan(200);
});

test('a Redis that was emptied, or lost its newest changes, is noticed on every replica', async () => {
  await using place = new RedisPlace(server.url);
  const [one, two] = await Promise.all([place.open(), place.open()]);
  one.follow();
  two.follow();
  await one.store.add([exemplar('a', 'first')], 'reject');
  const backup = await Promise.all(
    ['meta', 'intents', 'places', 'listing', 'texts', 'vectors:model', 'changes'].map(
      async (name) => [place.key(name), await server.client.dumpBuffer(place.key(name))] as const,
    ),
  );
  await one.store.add([exemplar('a', 'lost')], 'reject');
  await two.store.caughtUp();
  for (const [key, value] of backup) await server.client.restore(key, 0, value, 'REPLACE');
  // The same version as before, made by another change.
  const third = await place.open();
  await third.store.add([exemplar('a', 'other')], 'reject');
  await eventually(() => expect([one.reloads, two.reloads]).toEqual([1, 1]));
  expect([one.store.version, two.store.version]).toEqual([2, 2]);

  await server.client.del(...backup.map(([key]) => key));
  await eventually(() => expect([one.reloads, two.reloads]).toEqual([2, 2]));
  expect(one.store.version).toBe(0);
  await two.store.add([exemplar('b', 'anew')], 'reject');
  await eventually(() => expect(one.store.version).toBe(1));
});

test('a head of a history that is gone is not taken', async () => {
  await using place = new RedisPlace(server.url);
  const { store } = (await place.open()).follow();
  const other = await place.open();
  for (const text of ['first', 'second']) await store.add([exemplar('a', text)], 'reject');
  expect(await store.putHead(head(1))).toBe(true);
  await server.client.del(...['meta', 'changes', 'head:model'].map((name) => place.key(name)));
  // Not noticed yet; with as many changes as before, versions alone would tell nothing.
  expect(await store.putHead({ ...head(2), trainedOn: 2 })).toBe(false);
  for (let n = 0; n < 4; n++) await other.store.putIntent('b', { description: `${n}` });
  expect(await store.putHead({ ...head(3), trainedOn: 2 })).toBe(false);
  expect(await other.store.head()).toBeUndefined();
  await eventually(async () =>
    expect(await store.putHead({ ...head(4), trainedOn: 4 })).toBe(true),
  );
});

test('a write whose answer was lost takes effect once, and is answered', async () => {
  await using place = new RedisPlace(server.url);
  await using proxy = await TcpProxy.start(server.port);
  const { store } = await place.open({ url: `redis://127.0.0.1:${proxy.port}` });
  await store.add([exemplar('a', 'warm')], 'reject');
  for (let n = 0; n < 5; n++) {
    const adding = store.add([exemplar('a', `${n}`)], 'reject');
    proxy.loseAnswer();
    expect((await adding).added).toHaveLength(1);
  }
  expect(store.version).toBe(6);
});

test('without Redis changes are refused for now, and go on when it is back', async () => {
  await using place = new RedisPlace(server.url);
  await using proxy = await TcpProxy.start(server.port);
  const replica = (await place.open({ url: `redis://127.0.0.1:${proxy.port}` })).follow();
  const other = await place.open();
  await replica.store.add([exemplar('a', 'before')], 'reject');
  proxy.cut();
  const refused = { status: 503, code: 'store_unavailable', headers: { 'retry-after': '2' } };
  await expect(replica.store.add([exemplar('a', 'during')], 'reject')).rejects.toMatchObject(
    refused,
  );
  await expect(replica.store.page('a', 10, undefined)).rejects.toMatchObject(refused);
  await other.store.add([exemplar('a', 'elsewhere')], 'reject');
  proxy.mend();
  await eventually(() => expect(replica.versions).toEqual([1, 2]));
  await eventually(() => replica.store.add([exemplar('a', 'after')], 'reject'));
  expect(replica.store.version).toBe(3);
});

test('a Redis without memory refuses a change as a whole', async () => {
  await using full = await RedisServer.start();
  await using place = new RedisPlace(full.url);
  const { store } = await place.open();
  await store.add([exemplar('a', 'before')], 'reject');
  await full.client.config('SET', 'maxmemory', '1');
  await expect(store.add([exemplar('b', 'late')], 'reject')).rejects.toMatchObject({
    status: 507,
    code: 'insufficient_storage',
  });
  await full.client.config('SET', 'maxmemory', '0');
  expect(store.version).toBe(1);
  expect((await store.intents()).map(({ name }) => name)).toEqual(['a']);
});

test('one replica has a claim at a time, and nobody when it is released', async () => {
  await using place = new RedisPlace(server.url);
  const [one, two] = await Promise.all([place.open(), place.open()]);
  const claim = await one.store.claim('training');
  expect(claim).toBeDefined();
  expect(await two.store.claim('training')).toBeUndefined();
  expect(await two.store.claim('starter-exemplars')).toBeDefined();
  await claim?.release();
  expect(await two.store.claim('training')).toBeDefined();
});

test('another process reads all exemplars as they are at one version', async () => {
  await using place = new RedisPlace(server.url);
  const { store } = await place.open();
  const other = await place.open({ modelDigest: 'other' });
  for (let n = 0; n < 1200; n += 60)
    await store.add(
      Array.from({ length: 60 }, (_, m) => exemplar(`i${m % 3}`, `text ${n + m}`)),
      'reject',
    );
  await store.add([exemplar('i1', 'text 0')], 'move');
  await store.remove('i2', exemplarId('text 2'));
  const { version, exemplars } = await readCorpus(structuredClone(store.source));
  expect(version).toBe(store.version);
  const listed = [];
  for await (const one of store.exemplars()) listed.push(one);
  expect(exemplars).toEqual(listed);
  expect(exemplars).toHaveLength(1199);
  // Those without vectors of its model are nothing to it.
  expect((await readCorpus(other.store.source)).exemplars).toEqual([]);
});

test('replicas with different models keep vectors and heads of their own', async () => {
  await using place = new RedisPlace(server.url);
  const one = (await place.open()).follow();
  const embedded: string[] = [];
  const other = (
    await place.open({
      modelDigest: 'other',
      embed: async (text) => {
        embedded.push(text);
        return Float32Array.of(9, text.length);
      },
    })
  ).follow();
  const written = exemplar('a', 'text');
  await one.store.add([written], 'reject');
  await one.store.putHead(head(1));
  await other.store.caughtUp();
  expect(other.changes).toEqual([
    {
      version: 1,
      type: 'exemplars-added',
      exemplars: [{ ...written, vector: Float32Array.of(9, 4) }],
      intents: [{ name: 'a', description: '', threshold: null }],
    },
    { version: 2, type: 'nothing' },
  ]);
  expect(await other.store.head()).toBeUndefined();
  expect(await other.store.vectors([written.id])).toEqual(
    new Map([[written.id, Float32Array.of(9, 4)]]),
  );
  expect(await one.store.vectors([written.id])).toEqual(new Map([[written.id, written.vector]]));
  expect(embedded).toEqual(['text']);
});
