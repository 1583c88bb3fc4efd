/**
 * `npm run bench -- start [--exemplars N,N] [--redis]`: how long a classifier takes to be ready with so
 * many exemplars, with and without a snapshot of its index, and the memory it has then and after some
 * classifications. The exemplars have made up vectors in clusters, as those of intents are; nothing is embedded at
 * a start. With --redis the same with the exemplars in Redis.
 */
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { createLogger, parseRedisUrl } from '../../packages/service-kit/dist/index.js';
import { chooseModel } from '../../services/classifier/dist/embedding/choose-model.js';
import { EmbeddedExemplarStore } from '../../services/classifier/dist/exemplars/embedded-exemplar-store.js';
import { exemplarId } from '../../services/classifier/dist/exemplars/exemplar.js';
import { RedisExemplarStore } from '../../services/classifier/dist/exemplars/redis-exemplar-store.js';
import { printTable, quantile, save } from './figures.mjs';
import { modelDir, startClassifier, startRedis, temporaryFolder, usage } from './processes.mjs';
import { openClient, times } from './raw-client.mjs';
import { numbers, text } from './texts.mjs';

const { values: options } = parseArgs({
  options: {
    exemplars: { type: 'string', default: '0,10000,100000' },
    redis: { type: 'boolean', default: false },
  },
});
const SIZES = options.exemplars.split(',').map(Number);
const INTENTS = 50;
const CALLS = 300;
const BATCH = 500;
const random = numbers();

/** Vectors in clusters, as those of real intents are. */
function* clustered(count, dimensions) {
  const normal = () => Array.from({ length: dimensions }, () => random(2001) / 1000 - 1);
  const centres = Array.from({ length: INTENTS }, normal);
  for (let n = 0; n < count; n++) {
    const own = normal();
    const sum = centres[n % INTENTS].map((value, k) => value + own[k]);
    const norm = Math.hypot(...sum);
    const one = `${text(6)} ${n}`;
    const vector = Float32Array.from(sum, (value) => value / norm);
    yield { id: exemplarId(one), intent: `intent ${n % INTENTS}`, text: one, vector };
  }
}

async function fill(store, count) {
  let batch = [];
  for (const exemplar of clustered(count, 384)) {
    batch.push(exemplar);
    if (batch.length < BATCH) continue;
    await store.add(batch, 'reject');
    batch = [];
  }
  if (batch.length > 0) await store.add(batch, 'reject');
  await store.close();
}

async function redisMemory(url) {
  const client = new Redis(url);
  const [, bytes] = /used_memory:(\d+)/.exec(await client.info('memory')) ?? [];
  client.disconnect();
  return Number(bytes) / 2 ** 20;
}

const { modelDigest } = await chooseModel({
  ...{ model: 'all-MiniLM-L6-v2', modelDir, allowRemoteModels: false },
});

async function measure(count, redis) {
  const folder = await temporaryFolder();
  const shared = { modelDigest, maxIntents: 1000 };
  const logger = createLogger('bench', 'silent');
  const redisStore = () =>
    RedisExemplarStore.open({
      ...shared,
      ...{ location: parseRedisUrl(redis.url), prefix: 'switchyard', logger },
    });
  if (count > 0)
    await fill(
      redis
        ? await redisStore()
        : await EmbeddedExemplarStore.open({ ...shared, directory: folder.path }),
      count,
    );
  const env = {
    STARTER_EXEMPLARS: 'off',
    EMBEDDING_WORKERS: '1',
    ...(redis && { REDIS_URL: redis.url }),
  };
  const start = () => startClassifier({ dataDir: folder.path, env });
  const cold = await start();
  await cold.stop();
  const again = await start();
  const atOnce = await usage(again.pid);
  const client = await openClient(again.url, { path: '/v1/classify' });
  const taken = await times(CALLS, () => client.post(JSON.stringify({ text: text(8) })));
  client.close();
  const row = {
    store: redis ? 'Redis' : 'embedded',
    exemplars: count,
    'cold start s': cold.readyMs / 1000,
    'restart s': again.readyMs / 1000,
    'memory at start MB': atOnce.memoryMB,
    'after classifying MB': (await usage(again.pid)).memoryMB,
    'classify p50 ms': quantile(taken, 0.5),
    ...(redis && { 'Redis MB': await redisMemory(redis.url) }),
  };
  await again.stop('SIGKILL');
  await folder.remove();
  return row;
}

const rows = [];
for (const count of SIZES) rows.push(await measure(count));
if (options.redis)
  for (const count of SIZES) {
    const folder = await temporaryFolder();
    const redis = await startRedis(folder.path, ['--appendonly', 'yes']);
    rows.push(await measure(count, redis));
    await redis.stop();
    await folder.remove();
  }
printTable('Start of a classifier', rows);
await save('start', { options, rows });
process.exit(0);
