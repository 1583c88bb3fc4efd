/**
 * `npm run bench -- ingestion [--lines N] [--classifiers N,N]`: how fast imports are, embedded and on Redis
 * (BullMQ) with one and two classifiers, and what classification is like meanwhile and when idle. Needs
 * redis-server. 100,000 lines take some minutes a run.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { printTable, quantile, save } from './figures.mjs';
import { startClassifier, startRedis, temporaryFolder } from './processes.mjs';
import { openClient, times } from './raw-client.mjs';
import { text } from './texts.mjs';

const { values: options } = parseArgs({
  options: {
    lines: { type: 'string', default: '3000' },
    classifiers: { type: 'string', default: '1,2' },
  },
});
const LINES = Number(options.lines);
const INTENTS = 50;
const IDLE_CALLS = 300;
/** Between two classify calls. */
const PAUSE_MS = 10;
const IMPORT_TIMEOUT_MS = 20 * 60_000;
const folders = [];

async function classifier(redis) {
  const folder = await temporaryFolder();
  folders.push(folder);
  const env = { EMBEDDING_WORKERS: '1', ...(redis && { REDIS_URL: redis.url }) };
  return startClassifier({ dataDir: folder.path, env });
}

async function call(url, path, body) {
  const answer = await fetch(url + path, body === undefined ? {} : { method: 'POST', body });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Latencies of classify calls, one at a time, until `isOver`. */
async function classifyUntil(client, isOver) {
  const taken = [];
  while (!isOver(taken.length)) {
    taken.push(...(await times(1, () => client.post(JSON.stringify({ text: text(8) })))));
    await sleep(PAUSE_MS);
  }
  return taken;
}

async function importRun(name, replicas) {
  const [{ url }] = replicas;
  const client = await openClient(url, { path: '/v1/classify' });
  const idle = await classifyUntil(client, (count) => count === IDLE_CALLS);
  const lines = Array.from(
    { length: LINES },
    (_, n) => `${JSON.stringify({ intent: `intent ${n % INTENTS}`, text: text(12) })}\n`,
  ).join('');
  const started = performance.now();
  const { job } = await call(url, '/v1/import', lines);
  let state = job;
  let addedMs;
  const meanwhile = classifyUntil(client, () => addedMs !== undefined);
  while (state.state !== 'completed') {
    await sleep(20);
    state = await call(url, `/v1/jobs/${job.id}`);
    if (state.state === 'failed' || performance.now() - started > IMPORT_TIMEOUT_MS)
      throw new Error(JSON.stringify(state));
    if (state.done === state.total) addedMs ??= performance.now() - started;
  }
  const completedMs = performance.now() - started;
  const during = await meanwhile;
  client.close();
  return {
    run: name,
    'exemplars/s': (1000 * LINES) / addedMs,
    'learned after s': completedMs / 1000,
    'idle p50': quantile(idle, 0.5),
    'idle p99': quantile(idle, 0.99),
    'meanwhile p50': quantile(during, 0.5),
    'meanwhile p99': quantile(during, 0.99),
    'p99 x idle': quantile(during, 0.99) / quantile(idle, 0.99),
  };
}

const rows = [];
const alone = await classifier();
rows.push(await importRun('embedded', [alone]));
await alone.stop();
for (const count of options.classifiers.split(',').map(Number)) {
  const folder = await temporaryFolder();
  folders.push(folder);
  const redis = await startRedis(folder.path, ['--appendonly', 'yes']);
  const replicas = [];
  for (let n = 0; n < count; n++) replicas.push(await classifier(redis));
  rows.push(await importRun(`Redis, ${count} of them`, replicas));
  for (const one of replicas) await one.stop();
  await redis.stop();
}
printTable(`Imports of ${LINES} exemplars; times of classify calls in ms`, rows);
await save('ingestion', { options, rows });
for (const { remove } of folders) await remove();
process.exit(0);
