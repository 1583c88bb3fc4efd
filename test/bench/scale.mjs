/**
 * `npm run bench -- scale [--exemplars N] [--intents N] [--queries N]`: the classifier with many
 * exemplars, embedded: import, training, memory, restart, classification meanwhile and after, and
 * recall@10 of the index against brute force over the stored vectors. All texts are really embedded;
 * they are halves of the starter exemplars put together anew, the first half says the intent. Needs
 * `npm run setup`; 100,000 exemplars take some minutes. Prints JSON.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { EmbeddedExemplarStore } from '../../services/classifier/dist/exemplars/embedded-exemplar-store.js';
import { IndexSnapshots } from '../../services/classifier/dist/exemplars/index-snapshots.js';
import { quantile } from './figures.mjs';
import { modelDir, startClassifier, temporaryFolder, usage } from './processes.mjs';
import { prompt } from './texts.mjs';

const { values } = parseArgs({
  options: {
    exemplars: { type: 'string', default: '100000' },
    intents: { type: 'string', default: '150' },
    queries: { type: 'string', default: '500' },
  },
});
const EXEMPLARS = Number(values.exemplars);
const INTENTS = Number(values.intents);
const QUERIES = Number(values.queries);
const K = 10;

/** With what it says of each training. */
async function start(dataDir) {
  const trained = [];
  const classifier = await startClassifier({
    dataDir,
    env: { STARTER_EXEMPLARS: 'off', MAX_INTENTS: '1000' },
    onLine: (entry) => entry.msg === 'trained' && trained.push(entry),
  });
  return { ...classifier, trained };
}

async function send(url, path, body, type = 'application/json') {
  const response = await fetch(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    ...(body !== undefined && { body, headers: { 'content-type': type }, duplex: 'half' }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  return answer;
}

async function memoryOf(pid) {
  const { memoryMB: rssMB, ownMB, peakMB } = await usage(pid);
  return { rssMB, ownMB, peakMB };
}

let asked = EXEMPLARS;
/** Prompts that are no exemplars. */
async function classifyTimes(url, count) {
  const taken = [];
  for (let n = 0; n < count; n++) {
    const body = JSON.stringify({ text: prompt(asked++, INTENTS).text });
    const started = performance.now();
    await send(url, '/v1/classify', body);
    taken.push(performance.now() - started);
  }
  return taken;
}

async function* ndjson() {
  for (let n = 0; n < EXEMPLARS; n++) yield Buffer.from(`${JSON.stringify(prompt(n, INTENTS))}\n`);
}

async function importAll(url) {
  const started = performance.now();
  const { job } = await send(url, '/v1/import', ndjson(), 'application/x-ndjson');
  let storedMs;
  const meanwhile = [];
  for (;;) {
    const { state, done, total, added } = await send(url, `/v1/jobs/${job.id}`);
    if (done === total) storedMs ??= performance.now() - started;
    if (state === 'failed') throw new Error('the import failed');
    if (state === 'completed')
      return { storedMs, completedMs: performance.now() - started, added, meanwhile };
    if (storedMs === undefined) meanwhile.push(...(await classifyTimes(url, 20)));
    await sleep(100);
  }
}

/** Share of the true K nearest that the index finds, and how long a search takes. */
async function judgeIndex(dataDir) {
  const { digest } = JSON.parse(
    await readFile(join(modelDir, 'all-MiniLM-L6-v2/manifest.json'), 'utf8'),
  );
  const store = await EmbeddedExemplarStore.open({
    directory: dataDir,
    modelDigest: digest,
    maxIntents: 1000,
  });
  const ids = [];
  const vectors = [];
  for await (const { id, vector } of store.exemplars()) {
    ids.push(id);
    vectors.push(vector);
  }
  await store.close();
  const snapshots = new IndexSnapshots({
    directory: join(dataDir, 'index'),
    dimensions: vectors[0].length,
    modelDigest: digest,
    logger: { info() {}, warn: console.warn, error: console.error, debug() {} },
  });
  const started = performance.now();
  const { index } = await snapshots.load();
  const loadMs = performance.now() - started;
  const times = [];
  let found = 0;
  for (let n = 0; n < QUERIES; n++) {
    // Between two exemplars, as a prompt is.
    const [a, b] = [vectors[(n * 7919) % ids.length], vectors[(n * 104729 + 1) % ids.length]];
    const query = a.map((value, i) => 0.7 * value + 0.3 * b[i]);
    const length = Math.hypot(...query);
    for (let i = 0; i < query.length; i++) query[i] /= length;
    const exact = vectors
      .map((vector, row) => {
        let sum = 0;
        for (let i = 0; i < vector.length; i++) sum += vector[i] * query[i];
        return [sum, row];
      })
      .sort((x, y) => y[0] - x[0])
      .slice(0, K);
    const searching = performance.now();
    const nearest = index.search(query, K);
    times.push(performance.now() - searching);
    const truth = new Set(exact.map(([, row]) => ids[row]));
    found += nearest.filter(({ id }) => truth.has(id)).length;
  }
  await index.close();
  return {
    loadMs,
    recall: found / (K * QUERIES),
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  };
}

const { path: dataDir, remove } = await temporaryFolder();
try {
  let classifier = await start(dataDir);
  const coldStartMs = classifier.readyMs;
  await classifyTimes(classifier.url, 200).catch(() => []);
  const loaded = await importAll(classifier.url);
  const [training] = classifier.trained.slice(-1);
  const idle = await classifyTimes(classifier.url, 1000);
  const memory = await memoryOf(classifier.pid);
  await classifier.stop();
  classifier = await start(dataDir);
  const first = await classifyTimes(classifier.url, 1);
  const again = await classifyTimes(classifier.url, 1000);
  const restarted = await memoryOf(classifier.pid);
  const restartMs = classifier.readyMs;
  await classifier.stop();
  const index = await judgeIndex(dataDir);
  const result = {
    exemplars: loaded.added,
    intents: INTENTS,
    coldStartMs,
    importPerSecond: (1000 * loaded.added) / loaded.storedMs,
    storedMs: loaded.storedMs,
    completedMs: loaded.completedMs,
    trainedMs: training?.trainedMs,
    outOfFoldAccuracy: training?.accuracy,
    meanwhile: { p50: quantile(loaded.meanwhile, 0.5), p99: quantile(loaded.meanwhile, 0.99) },
    classify: { p50: quantile(idle, 0.5), p99: quantile(idle, 0.99) },
    memory,
    restartMs,
    afterRestart: { first: first[0], p50: quantile(again, 0.5), p99: quantile(again, 0.99) },
    memoryAfterRestart: restarted,
    index,
  };
  console.log(
    JSON.stringify(result, (_, v) => (typeof v === 'number' ? Number(v.toFixed(3)) : v), 2),
  );
} finally {
  await remove();
}
