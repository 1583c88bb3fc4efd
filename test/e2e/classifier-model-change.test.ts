import { appendFile, cp, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { call, classify } from '../support/classifier-client.js';
import { ended, importLine } from '../support/classifier-replicas.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { root, ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const MODEL = 'all-MiniLM-L6-v2';
const modelDir = process.env.MODEL_DIR ?? `${root}.models`;
const LIMIT_MS = 60_000;
const COUNT = 1200;
const TOPICS = ['plants', 'refunds', 'songs'];
const SENTENCES = [
  'Water the orchids in room',
  'I want a refund for order',
  'Sing me the song number',
];

const lines = Array.from({ length: COUNT }, (_, n) =>
  importLine(TOPICS[n % 3] ?? '', `${SENTENCES[n % 3]} ${n}`),
).join('');

type Service = { url: string };
const status = async (service: Service) => (await call(service, 'GET', '/status')).body;
const exported = async (service: Service) =>
  String((await call(service, 'GET', '/v1/export')).body)
    .trim()
    .split('\n')
    .sort();
const add = (service: Service, intent: string, texts: string[]) =>
  call(service, 'POST', `/v1/intents/${intent}/exemplars`, { texts });

/** Whether or not it is close enough: exemplars that differ in a number leave no room. */
const likeliest = async (service: Service, text: string) =>
  (await classify(service, text)).alternatives[0]?.intent;

/** A folder with the model, and another one with a model that gives about the same vectors. */
async function twoModels(directory: string): Promise<{ before: string; after: string }> {
  const [before, after] = [join(directory, 'models'), join(directory, 'after')];
  await cp(modelDir, before, { recursive: true });
  // Without its manifest it is a user's own folder, with a digest of its own.
  const filter = (path: string) => !path.endsWith('manifest.json');
  await cp(join(modelDir, MODEL), after, { recursive: true, filter });
  await appendFile(join(after, 'tokenizer.json'), '\n');
  return { before, after };
}

async function filled(data: string, env: Record<string, string>): Promise<void> {
  await using service = await startClassifier(data, { STARTER_EXEMPLARS: 'off', ...env });
  const accepted = await call(service, 'POST', '/v1/import', lines);
  expect(await ended(service, accepted.body.job.id, LIMIT_MS)).toMatchObject({ added: COUNT });
  await service.kill('SIGTERM');
}

const changed = (service: Service) =>
  eventually(async () => {
    expect(await status(service)).toMatchObject({ model: 'after', reembedding: null });
  }, LIMIT_MS);

test('another model: the one of before serves until all is embedded, also over a kill -9', {
  timeout: 120_000,
}, async () => {
  await using directory = await temporaryDirectory();
  const { before, after } = await twoModels(directory.path);
  const data = join(directory.path, 'data');
  await filled(data, { MODEL_DIR: before });
  const env = { MODEL_DIR: before, MODEL: after, STARTER_EXEMPLARS: 'off' };
  {
    await using service = await startClassifier(data, env);
    const early = await status(service);
    expect(early).toMatchObject({ ready: true, model: MODEL, exemplars: COUNT });
    expect(early.reembedding).toMatchObject({ model: 'after' });
    expect(await likeliest(service, 'please water the orchids')).toBe('plants');
    await eventually(async () =>
      expect((await status(service)).reembedding.done).toBeGreaterThan(100),
    );
    await service.kill();
  }
  await using service = await startClassifier(data, env);
  expect(await status(service)).toMatchObject({ ready: true, model: MODEL });
  // What is added and removed meanwhile is in step with both.
  const weather = ['is it raining', 'will it snow tomorrow', 'how hot is it outside'];
  const { body } = await add(service, 'weather', weather);
  expect(body.added).toHaveLength(3);
  const removed = `/v1/intents/weather/exemplars/${body.added[2].id}`;
  expect((await call(service, 'DELETE', removed)).status).toBe(204);
  const { tookMs } = await changed(service);
  console.log(`${COUNT} exemplars embedded with another model in ${Math.round(tookMs)} ms`);
  expect(await likeliest(service, 'please water the orchids')).toBe('plants');
  expect(await likeliest(service, 'is it raining')).toBe('weather');
  expect(await exported(service)).toHaveLength(COUNT + 2);
  // Everything goes on as ever, and the next start needs nothing of the model of before.
  const job = await call(service, 'POST', '/v1/import', importLine('songs', 'Sing along'));
  expect(await ended(service, job.body.job.id, LIMIT_MS)).toMatchObject({ added: 1 });
  const all = await exported(service);
  await service.kill('SIGTERM');
  await rename(before, `${before}-gone`);
  await using again = await startClassifier(data, { ...env, MODEL_DIR: directory.path });
  expect(await status(again)).toMatchObject({ ready: true, model: 'after', reembedding: null });
  expect(await exported(again)).toEqual(all);
});

test('where the model of before is gone it is not ready, says why and how far it is, and then serves', {
  timeout: 120_000,
}, async () => {
  await using directory = await temporaryDirectory();
  const { before, after } = await twoModels(directory.path);
  const data = join(directory.path, 'data');
  await filled(data, { MODEL_DIR: before });
  await rename(before, `${before}-gone`);
  await using service = await ServiceProcess.start(
    {
      entry: 'services/classifier/dist/server.js',
      env: { CLASSIFIER_PORT: '0', DATA_DIR: data, MODEL_DIR: before, MODEL: after },
    },
    '/health',
  );
  await eventually(async () => {
    const ready = await call(service, 'GET', '/ready');
    expect(ready.status).toBe(503);
    expect(ready.body.reason).toMatch(/^the exemplars are being embedded with after: \d+ of 1200$/);
  });
  expect(await status(service)).toMatchObject({
    ready: false,
    model: null,
    reembedding: { model: 'after', total: COUNT },
  });
  await changed(service);
  expect(await likeliest(service, 'please water the orchids')).toBe('plants');
});

test('on Redis, replicas with the model of before and with the new one serve the same exemplars', {
  timeout: 120_000,
}, async () => {
  await using redis = await RedisServer.start();
  await using directory = await temporaryDirectory();
  const { before, after } = await twoModels(directory.path);
  const shared = { REDIS_URL: redis.url, MODEL_DIR: before, STARTER_EXEMPLARS: 'off' };
  await filled(join(directory.path, 'one'), shared);
  await using one = await startClassifier(join(directory.path, 'one'), shared);
  const env = { ...shared, MODEL: after };
  await using two = await startClassifier(join(directory.path, 'two'), env);
  expect(await status(two)).toMatchObject({ ready: true, model: MODEL });
  await changed(two);
  await add(one, 'weather', ['is it raining', 'will it snow tomorrow']);
  await add(two, 'weather', ['how hot is it outside']);
  for (const service of [one, two]) {
    await eventually(async () => expect(await exported(service)).toHaveLength(COUNT + 3));
    await eventually(async () => expect(await likeliest(service, 'is it raining')).toBe('weather'));
  }
  expect(await status(one)).toMatchObject({ model: MODEL, reembedding: null });
  // With all vectors there, another replica with the new model is ready at once.
  await using three = await startClassifier(join(directory.path, 'three'), env);
  expect(await status(three)).toMatchObject({ model: 'after', reembedding: null });
});
