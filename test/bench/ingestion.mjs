/**
 * `npm run bench -- ingestion [--lines N] [--exemplars N]`: how fast imports are, embedded and on
 * Redis with one, two and three classifiers, what classification is like meanwhile and when idle,
 * and how long a restarted classifier takes to serve with many exemplars. Needs `npm run setup` and
 * redis-server. Takes some minutes; prints tables and, last, a line of JSON. All runs share the
 * machine with what else is on it: compare within one run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { createLogger, parseRedisUrl } from '../../packages/service-kit/dist/index.js';
import { chooseModel } from '../../services/classifier/dist/embedding/choose-model.js';
import { EmbeddedExemplarStore } from '../../services/classifier/dist/exemplars/embedded-exemplar-store.js';
import { exemplarId } from '../../services/classifier/dist/exemplars/exemplar.js';
import { RedisExemplarStore } from '../../services/classifier/dist/exemplars/redis-exemplar-store.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const { values: options } = parseArgs({
  options: {
    lines: { type: 'string', default: '3000' },
    exemplars: { type: 'string', default: '100000' },
  },
});
const LINES = Number(options.lines);
const EXEMPLARS = Number(options.exemplars);
const INTENTS = 50;
const IDLE_CALLS = 300;
/** Between two classify calls. */
const PAUSE_MS = 10;
const modelDir = process.env.MODEL_DIR ?? join(root, '.models');
const cleanUps = [];

const WORDS = (
  'how do I write a function that sorts the list of names in my code please explain why this does ' +
  'not work when it is empty what would you say about love and loss translate these words into ' +
  'French summarize the following text for me quickly solve this equation and show every step is ' +
  'it raining tomorrow tell me a story about dragons'
).split(' ');
let seed = 1;
const random = (below) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};
const text = (words) => Array.from({ length: words }, () => WORDS[random(WORDS.length)]).join(' ');
const quantile = (times, q) => {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
};
const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
};
const directory = async () => {
  const path = await mkdtemp(join(tmpdir(), 'switchyard-bench-'));
  cleanUps.push(() => rm(path, { recursive: true, force: true }));
  return path;
};

async function startRedis() {
  const port = await freePort();
  const args = ['--port', port, '--dir', await directory(), '--appendonly', 'yes', '--save', ''];
  const child = spawn('redis-server', args.map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout }))
    if (/Ready to accept/.test(line)) break;
  child.stdout.resume();
  return { url: `redis://127.0.0.1:${port}`, stop: () => stop(child) };
}

async function stop(child, signal = 'SIGTERM') {
  if (child.exitCode !== null) return;
  const closed = once(child, 'close');
  child.kill(signal);
  await closed;
}

async function startClassifier(dataDir, redisUrl) {
  const started = performance.now();
  const child = spawn(process.execPath, ['services/classifier/dist/server.js'], {
    cwd: root,
    env: {
      ...process.env,
      CLASSIFIER_PORT: '0',
      DATA_DIR: dataDir,
      MODEL_DIR: modelDir,
      EMBEDDING_WORKERS: '1',
      ...(redisUrl && { REDIS_URL: redisUrl }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let url = '';
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line);
    if (said.msg === 'listening') url = said.url;
    if (said.msg === 'ready') break;
  }
  child.stdout.resume();
  return { url, readyMs: performance.now() - started, stop: (signal) => stop(child, signal) };
}

async function call(url, path, body) {
  const answer = await fetch(url + path, body === undefined ? {} : { method: 'POST', body });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Latencies of classify calls, one at a time, until `isOver`. */
async function classifyUntil(url, isOver) {
  const times = [];
  while (!isOver(times.length)) {
    const body = JSON.stringify({ text: text(8) });
    const started = performance.now();
    await call(url, '/v1/classify', body);
    times.push(performance.now() - started);
    await sleep(PAUSE_MS);
  }
  return times;
}

async function importRun(name, replicas) {
  const [{ url }] = replicas;
  const idle = await classifyUntil(url, (count) => count === IDLE_CALLS);
  const lines = Array.from(
    { length: LINES },
    (_, n) => `${JSON.stringify({ intent: `intent ${n % INTENTS}`, text: text(12) })}\n`,
  ).join('');
  const started = performance.now();
  const { job } = await call(url, '/v1/import', lines);
  let state = job;
  let addedMs;
  const meanwhile = classifyUntil(url, () => addedMs !== undefined);
  while (state.state !== 'completed') {
    await sleep(20);
    state = await call(url, `/v1/jobs/${job.id}`);
    if (state.state === 'failed') throw new Error(JSON.stringify(state));
    if (state.done === state.total) addedMs ??= performance.now() - started;
  }
  const completedMs = performance.now() - started;
  const during = await meanwhile;
  return {
    run: name,
    perSecond: (1000 * LINES) / addedMs,
    'learned after, s': completedMs / 1000,
    'idle p50, ms': quantile(idle, 0.5),
    'idle p99, ms': quantile(idle, 0.99),
    'meanwhile p50, ms': quantile(during, 0.5),
    'meanwhile p99, ms': quantile(during, 0.99),
  };
}

/** Vectors in clusters, as those of real intents are. */
function* clustered(dimensions) {
  const normal = () => Array.from({ length: dimensions }, () => random(2001) / 1000 - 1);
  const centres = Array.from({ length: INTENTS }, normal);
  for (let n = 0; n < EXEMPLARS; n++) {
    const own = normal();
    const sum = centres[n % INTENTS].map((value, k) => value + own[k]);
    const norm = Math.hypot(...sum);
    const one = `${text(6)} ${n}`;
    const vector = Float32Array.from(sum, (value) => value / norm);
    yield { id: exemplarId(one), intent: `intent ${n % INTENTS}`, text: one, vector };
  }
}

async function fill(store) {
  let batch = [];
  for (const exemplar of clustered(384)) {
    batch.push(exemplar);
    if (batch.length < 500) continue;
    await store.add(batch, 'reject');
    batch = [];
  }
  if (batch.length > 0) await store.add(batch, 'reject');
  await store.close();
}

async function memoryOf(url) {
  const client = new Redis(url);
  const [, bytes] = /used_memory:(\d+)/.exec(await client.info('memory')) ?? [];
  client.disconnect();
  return Number(bytes) / 2 ** 20;
}

async function restartRun(name, redisUrl) {
  const { modelDigest } = await chooseModel({
    ...{ model: 'all-MiniLM-L6-v2', modelDir, allowRemoteModels: false },
  });
  const dataDir = await directory();
  const shared = { modelDigest, maxIntents: 1000 };
  const logger = createLogger('bench', 'silent');
  await fill(
    redisUrl
      ? await RedisExemplarStore.open({
          ...shared,
          ...{ location: parseRedisUrl(redisUrl), prefix: 'switchyard', logger },
        })
      : await EmbeddedExemplarStore.open({ ...shared, directory: dataDir }),
  );
  const first = await startClassifier(dataDir, redisUrl);
  await first.stop();
  const again = await startClassifier(dataDir, redisUrl);
  const { exemplars } = await call(again.url, '/ready');
  await again.stop('SIGKILL');
  return {
    run: name,
    exemplars,
    'without a snapshot, s': first.readyMs / 1000,
    'restarted, s': again.readyMs / 1000,
    ...(redisUrl && { 'Redis, MB': await memoryOf(redisUrl) }),
  };
}

async function withRedis(action) {
  const redis = await startRedis();
  try {
    return await action(redis.url);
  } finally {
    await redis.stop();
  }
}

const rounded = (rows) =>
  rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [
        key,
        typeof value === 'number' ? Number(value.toPrecision(4)) : value,
      ]),
    ),
  );

const imports = [];
const restarts = [];
try {
  if (LINES > 0) {
    const alone = await startClassifier(await directory());
    imports.push(await importRun('embedded', [alone]));
    await alone.stop();
    for (const count of [1, 2, 3])
      await withRedis(async (url) => {
        const replicas = [];
        for (let n = 0; n < count; n++)
          replicas.push(await startClassifier(await directory(), url));
        imports.push(await importRun(`Redis, ${count} of them`, replicas));
        for (const one of replicas) await one.stop();
      });
    console.table(rounded(imports));
  }
  if (EXEMPLARS > 0) {
    restarts.push(await restartRun('embedded'));
    await withRedis(async (url) => restarts.push(await restartRun('Redis', url)));
    console.table(rounded(restarts));
  }
  console.log(JSON.stringify({ imports: rounded(imports), restarts: rounded(restarts) }));
} finally {
  for (const cleanUp of cleanUps) await cleanUp();
}
