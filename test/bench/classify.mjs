/**
 * `npm run bench -- classify [--rounds N]`: a classify call against the bare model, in this process and
 * over HTTP, with one and two worker threads, in one run: rounds of A B C A B C, one call at a time; then
 * throughput. Takes about a second a round. The best tenth of the calls shows what a machine gives
 * that others use, too.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Classifier } from '../../services/classifier/dist/classification/classifier.js';
import { chooseModel } from '../../services/classifier/dist/embedding/choose-model.js';
import { LocalEmbedder } from '../../services/classifier/dist/embedding/local-embedder.js';
import { loadSentenceEncoder } from '../../services/classifier/dist/embedding/sentence-encoder.js';
import { Catalog } from '../../services/classifier/dist/exemplars/catalog.js';
import { EmbeddedExemplarStore } from '../../services/classifier/dist/exemplars/embedded-exemplar-store.js';
import { printTable, quantile, save } from './figures.mjs';
import { modelDir, startClassifier, startScript, temporaryFolder } from './processes.mjs';
import { openClient, times } from './raw-client.mjs';
import { text } from './texts.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    workers: { type: 'string', default: '1,2' },
  },
});
const ROUNDS = Number(options.rounds);
const WORKERS = options.workers.split(',');
const CALLS = { 8: 30, 100: 8, 400: 4 };
/** Rounds whose times do not count. */
const WARM_UP = 5;
const CONCURRENCY = 16;
const THROUGHPUT_MS = 1500;
const THROUGHPUT_ROUNDS = 2;
const MODEL = 'all-MiniLM-L6-v2';
const TOKENS = 128;
const BARE_SERVER = new URL('classify/bare-server.mjs', import.meta.url);
const AGAIN = 'the same 8 words again';

const post = ({ post: send }, prompt) => send(JSON.stringify({ text: prompt }));
const open = ({ url }) => openClient(url, { path: '/v1/classify' });

async function throughput(classifier) {
  const clients = await Promise.all(Array.from({ length: CONCURRENCY }, () => open(classifier)));
  const started = performance.now();
  const taken = await Promise.all(
    clients.map(async (client) => {
      const own = [];
      while (performance.now() - started < THROUGHPUT_MS)
        own.push(...(await times(1, () => post(client, text(8)))));
      return own;
    }),
  );
  const perSecond = (1000 * taken.flat().length) / (performance.now() - started);
  for (const { close } of clients) close();
  return { perSecond, taken: taken.flat() };
}

/** What a call does, without HTTP: the same exemplars and the same head, in this process. */
async function classifierHere() {
  const folder = await temporaryFolder();
  const seeding = await startClassifier({ dataDir: folder.path });
  // Answers when the exemplars are learned.
  await fetch(`${seeding.url}/v1/quality`);
  await seeding.stop();
  const model = await chooseModel({ model: MODEL, modelDir, allowRemoteModels: false });
  const { modelDigest } = model;
  const embedder = await LocalEmbedder.start({ ...model, workers: 1, maxTokens: TOKENS });
  const { dimensions } = embedder;
  const store = await EmbeddedExemplarStore.open({
    directory: folder.path,
    modelDigest,
    maxIntents: 1000,
  });
  const catalog = await Catalog.follow(store, { dimensions, modelDigest });
  if (!catalog.isTrained) throw new Error('the classifier was stopped before it had learned');
  return {
    classifier: new Classifier(embedder, catalog, (ids) => store.texts(ids)),
    async close() {
      await catalog.close();
      await store.close();
      await embedder.close();
      await folder.remove();
    },
  };
}

const here = await classifierHere();
const folders = [];
const classifiers = new Map();
const clients = new Map();
for (const workers of WORKERS) {
  const folder = await temporaryFolder();
  folders.push(folder);
  const env = { EMBEDDING_WORKERS: workers };
  const classifier = await startClassifier({ dataDir: folder.path, env });
  classifiers.set(workers, classifier);
  clients.set(workers, await open(classifier));
}
const modelFolder = join(modelDir, MODEL);
const encode = await loadSentenceEncoder({
  model: modelFolder,
  remote: false,
  dtype: 'q8',
  maxTokens: TOKENS,
});

const bareServer = await startScript(BARE_SERVER, modelFolder, String(TOKENS));
const bareClient = await open(bareServer);

const samples = new Map();
const keep = (round, what, words, taken) => {
  const key = `${what}|${words}`;
  if (round >= 0) samples.set(key, [...(samples.get(key) ?? []), ...taken]);
};
const repeated = text(8);
for (let round = -WARM_UP; round < ROUNDS; round++) {
  for (const [words, calls] of Object.entries(CALLS)) {
    keep(round, 'bare model', words, await times(calls, () => encode(text(words))));
    const inProcess = await times(calls, () => here.classifier.classify(text(words)));
    keep(round, 'classify, no HTTP', words, inProcess);
    const served = await times(calls, () => post(bareClient, text(words)));
    keep(round, "bare model behind Node's http", words, served);
    for (const [workers, client] of clients) {
      const taken = await times(calls, () => post(client, text(words)));
      keep(round, `classify, ${workers} workers`, words, taken);
    }
  }
  for (const [workers, client] of clients) {
    const taken = await times(CALLS[8], () => post(client, repeated));
    keep(round, `classify, ${workers} workers`, AGAIN, taken);
  }
}
bareClient.close();
await bareServer.stop();
for (const { close } of clients.values()) close();
const many = new Map(WORKERS.map((workers) => [workers, []]));
const alone = [];
for (let round = 0; round < THROUGHPUT_ROUNDS; round++) {
  const taken = await times(500, () => encode(text(8)));
  alone.push((1000 * taken.length) / taken.reduce((sum, ms) => sum + ms, 0));
  for (const [workers, classifier] of classifiers)
    many.get(workers).push(await throughput(classifier));
}

const rows = [...samples].map(([key, taken]) => {
  const [what, words] = key.split('|');
  const bare = samples.get(`bare model|${words === AGAIN ? 8 : words}`);
  return {
    what,
    words,
    calls: taken.length,
    p50: quantile(taken, 0.5),
    p99: quantile(taken, 0.99),
    'best tenth': quantile(taken, 0.1),
    'p50 x bare': quantile(taken, 0.5) / quantile(bare, 0.5),
    'best tenth x bare': quantile(taken, 0.1) / quantile(bare, 0.1),
  };
});
const bare = Math.max(...alone);
const rates = [...many].map(([workers, runs]) => {
  const taken = runs.flatMap((run) => run.taken);
  const perSecond = Math.max(...runs.map((run) => run.perSecond));
  return {
    workers,
    'calls/s': perSecond,
    'x bare': perSecond / bare,
    p50: quantile(taken, 0.5),
    p99: quantile(taken, 0.99),
  };
});
printTable('Classify against the bare model, one call at a time; ms', rows);
printTable(`${CONCURRENCY} at a time, 8 words (the bare model: ${bare.toFixed(0)}/s); ms`, rates);
await save('classify', { options, rows, throughput: { bare, rates } });
for (const { stop } of classifiers.values()) await stop();
await here.close();
for (const { remove } of folders) await remove();
process.exit(0);
