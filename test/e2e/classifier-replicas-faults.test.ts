import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '@switchyard/contracts';
import { expect, test } from 'vitest';
import { createLogger, parseRedisUrl } from '../../packages/service-kit/src/index.js';
import { exemplar } from '../../services/classifier/src/exemplars/exemplar-store.contract.js';
import { RedisExemplarStore } from '../../services/classifier/src/exemplars/redis-exemplar-store.js';
import { call, classify, events } from '../support/classifier-client.js';
import { ended, importLine, Replicas } from '../support/classifier-replicas.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { root, ServiceProcess } from '../support/service-process.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const PROMPTS = ['please water the orchids', 'where is my refund', 'hello there'];
const orchids = Array.from({ length: 20 }, (_, n) => `Water the orchids in room ${n}`);
const LIMIT_MS = 90_000;
/** Longer than a worker's lock on a chunk and the look for those that were left. */
const STALLED_MS = 16_000;

const add = (service: { url: string }, intent: string, texts: readonly string[]) =>
  call(service, 'POST', `/v1/intents/${intent}/exemplars`, { texts });

test('kill -9 of one worker and SIGSTOP of another in 5,000 lines: nothing twice, nothing missing', async () => {
  await using redis = await RedisServer.start();
  await using replicas = await Replicas.start({ urls: [redis.url, redis.url, redis.url] });
  await add(replicas.at(0), 'intent 0', ['import number 0', 'import number 20']);
  const lines = Array.from({ length: 5000 }, (_, n) =>
    n % 1000 === 999 ? 'nonsense\n' : importLine(`intent ${n % 20}`, `import number ${n % 4500}`),
  );
  const accepted = await call(replicas.at(0), 'POST', '/v1/import', lines.join(''));
  const { id } = accepted.body.job;
  const progress: Job[] = [];
  const watched = (async () => {
    for await (const job of events(replicas.at(1), `/v1/jobs/${id}/events`)) progress.push(job);
  })();
  await eventually(async () => {
    const { body } = await call(replicas.at(0), 'GET', `/v1/jobs/${id}`);
    expect(body.done).toBeGreaterThan(500);
  });
  // The one that took the upload is killed; the import lives on in Redis and with the others.
  await replicas.at(0).kill();
  // Its chunks are taken from it, and it comes back believing that they are its own.
  process.kill(replicas.at(2).pid, 'SIGSTOP');
  await eventually(() => expect(progress.at(-1)?.done).toBeGreaterThan(4000), LIMIT_MS);
  await sleep(STALLED_MS);
  process.kill(replicas.at(2).pid, 'SIGCONT');
  const job = await ended(replicas.at(1), id, LIMIT_MS);
  await watched;
  expect(progress.at(-1)).toEqual(job);
  const texts = new Set(lines.filter((line) => line.startsWith('{')));
  expect(job).toMatchObject({
    state: 'completed',
    total: 5000,
    done: 5000,
    // Two were there before, and 500 lines repeat others, of which one was nonsense.
    added: texts.size - 2,
    duplicates: 5000 - 5 - texts.size + 2,
    rejected: 5,
  });
  expect(job.failed.map(({ line }) => line)).toEqual([1000, 2000, 3000, 4000, 5000]);
  await replicas.start(0);
  await replicas.learned();
  const [one, ...others] = await replicas.views(PROMPTS);
  expect(one?.exemplars).toHaveLength(texts.size);
  for (const other of others) expect(other).toEqual(one);
}, 150_000);

test('without Redis: answers from memory, refusals for changes, and on it goes when it is back', async () => {
  await using redis = await RedisServer.start({ appendOnly: true });
  await using replicas = await Replicas.start({ urls: [redis.url, redis.url] });
  await add(replicas.at(0), 'plants', orchids);
  await replicas.inStep();
  for (const takeAway of [() => redis.kill(), async () => redis.pause()]) {
    await takeAway();
    for (const service of replicas.services) {
      expect((await classify(service, 'Water the orchids')).intent).toBe('plants');
      expect((await call(service, 'GET', '/ready')).status).toBe(200);
      const refused = await add(service, 'plants', ['Water the roses']);
      expect([refused.status, refused.body.error.code]).toEqual([503, 'store_unavailable']);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      const upload = await call(service, 'POST', '/v1/import', importLine('plants', 'Water it'));
      expect(upload.status).toBe(503);
      expect(Number(upload.headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await classify(service, 'Water the orchids')).intent).toBe('plants');
    }
    redis.resume();
    await redis.restart();
    const { tookMs } = await eventually(async () =>
      expect((await add(replicas.at(0), 'roses', ['Water the roses'])).status).toBe(201),
    );
    console.log(`changes are taken ${Math.round(tookMs)} ms after Redis is back`);
    await eventually(async () =>
      expect((await classify(replicas.at(1), 'Water the roses')).intent).toBe('roses'),
    );
    await call(replicas.at(1), 'DELETE', '/v1/intents/roses');
    await replicas.inStep();
  }
}, 120_000);

test('cut off for 10,000 changes, a replica catches up; behind a trimmed stream, it reads anew', async () => {
  await using redis = await RedisServer.start();
  await using proxy = await TcpProxy.start(redis.port);
  await using replicas = await Replicas.start({
    urls: [redis.url, `redis://127.0.0.1:${proxy.port}`],
  });
  await add(replicas.at(0), 'plants', orchids);
  await replicas.inStep();
  const [vectors] = await redis.client.keys('*:vectors:*');
  const writer = await RedisExemplarStore.open({
    location: parseRedisUrl(redis.url),
    prefix: 'switchyard',
    modelDigest: vectors?.split(':').at(-1) ?? '',
    maxIntents: 1000,
    logger: createLogger('test', 'silent'),
  });
  const random = (intent: string, text: string) => {
    const vector = Float32Array.from({ length: 384 }, () => Math.random() - 0.5);
    const norm = Math.hypot(...vector);
    return { ...exemplar(intent, text), vector: vector.map((x) => x / norm) };
  };
  const change = async (round: string, count: number) => {
    for (let n = 0; n < count; n += 100)
      await Promise.all(
        Array.from({ length: 100 }, (_, m) => {
          if (m % 10 === 9) return writer.putIntent('plants', { description: `${round} ${n + m}` });
          return writer.add([random(`i${m % 50}`, `${round} ${(n + m) % 5000}`)], 'move');
        }),
      );
  };

  /** Random vectors are about as far from one another: which are nearest is nearly a tie. */
  const expectAlike = async () => {
    const [here, there] = await replicas.views(PROMPTS);
    expect({ ...there, answers: [] }).toEqual({ ...here, answers: [] });
    for (const [index, { intent, confidence }] of (here?.answers ?? []).entries()) {
      expect(there?.answers[index]?.intent).toBe(intent);
      expect(there?.answers[index]?.confidence).toBeCloseTo(confidence, 1);
    }
  };

  proxy.cut();
  await change('cut off', 10_000);
  expect((await classify(replicas.at(1), 'Water the orchids')).intent).toBe('plants');
  proxy.mend();
  console.log(`10,000 changes caught up with in ${Math.round(await replicas.inStep())} ms`);
  const reloads = () =>
    replicas.at(1).log.filter(({ msg }) => msg === 'reading all exemplars anew').length;
  expect(reloads()).toBe(0);
  await replicas.learned();
  await expectAlike();

  proxy.cut();
  await change('trimmed', 1000);
  await redis.client.xtrim('{switchyard}:exemplars:changes', 'MAXLEN', 10);
  proxy.mend();
  console.log(`all read anew in ${Math.round(await replicas.inStep())} ms`);
  expect(reloads()).toBe(1);
  await replicas.learned();
  await expectAlike();
  await writer.close();
}, 120_000);

test('a Redis that lost everything is followed, and routers are told to forget', async () => {
  await using redis = await RedisServer.start();
  await using replicas = await Replicas.start({ urls: [redis.url, redis.url] });
  await add(replicas.at(0), 'plants', orchids);
  await replicas.inStep();
  const streams = replicas.services.map(async (service) => {
    for await (const _ of events(service, '/v1/changes'));
  });
  await redis.client.flushall();
  await Promise.all(streams);
  await eventually(async () => {
    for (const service of replicas.services)
      expect((await call(service, 'GET', '/ready')).body).toMatchObject({
        exemplars: 0,
        indexVersion: 0,
      });
  });
  await add(replicas.at(1), 'plants', orchids);
  await eventually(async () =>
    expect((await classify(replicas.at(0), 'Water the orchids')).intent).toBe('plants'),
  );
}, 120_000);

test('started while Redis is away, a replica says so and waits for it', async () => {
  await using redis = await RedisServer.start();
  await using directory = await temporaryDirectory();
  await redis.kill();
  await using service = await ServiceProcess.start(
    {
      entry: 'services/classifier/dist/server.js',
      env: {
        ...{ CLASSIFIER_PORT: '0', DATA_DIR: directory.path, REDIS_URL: redis.url },
        MODEL_DIR: process.env.MODEL_DIR ?? `${root}.models`,
      },
    },
    '/health',
  );
  const early = await call(service, 'GET', '/ready');
  expect([early.status, early.body.reason]).toEqual([503, `waiting for Redis at ${redis.url}`]);
  await redis.restart();
  await eventually(
    async () => expect((await call(service, 'GET', '/ready')).status).toBe(200),
    LIMIT_MS,
  );
}, 120_000);
