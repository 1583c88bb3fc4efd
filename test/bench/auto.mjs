/**
 * `npm run bench -- auto [--rounds N]`: requests that leave the model to the router, with a classifier
 * beside it: prompts that it has decided on before, and prompts it has never seen, against the same
 * upstream without a router; one and four at a time, in turns A B C A B C.
 */
import { parseArgs } from 'node:util';
import { median, printTable, quantile, save } from './figures.mjs';
import { startClassifier, startRouter, temporaryFolder, usage } from './processes.mjs';
import { openClient, times } from './raw-client.mjs';
import { startNodeUpstream, startUpstream } from './router/peers.mjs';
import { text } from './texts.mjs';

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '20' } } });
const ROUNDS = Number(options.rounds);
const WARM_UP = 5;
const PER_TURN = 60;
const WARM_UP_CALLS = 1500;
const WORDS = 8;
const DIRECT = 'direct, no router';

const folder = await temporaryFolder();
const upstream = await startUpstream(folder.path).catch(() => startNodeUpstream());
const classifier = await startClassifier({ dataDir: folder.path });
const config = {
  pools: {
    main: { backends: [{ name: 'up', url: upstream.url, model: 'm', health: { path: '/' } }] },
  },
  default: 'main',
};
const env = { CLASSIFIER_URL: classifier.url };
const router = await startRouter({ folder: folder.path, config, env });

const body = (model, content) => JSON.stringify({ model, messages: [{ role: 'user', content }] });
const usual = text(WORDS);
const targets = {
  [DIRECT]: { url: upstream.url, next: () => body('m', usual) },
  'explicit model': { url: router.url, next: () => body('m', usual) },
  'auto, decided before': { url: router.url, next: () => body('auto', usual) },
  'auto, a new prompt': { url: router.url, next: () => body('auto', text(WORDS)) },
};

// Until V8 has compiled what is hot.
for (const [name, { url, next }] of Object.entries(targets)) {
  const client = await openClient(url, { path: '/v1/chat/completions' });
  await times(name === DIRECT ? 0 : WARM_UP_CALLS, () => client.post(next()));
  client.close();
}

const rows = [];
for (const concurrency of [1, 4]) {
  const samples = new Map(Object.keys(targets).map((name) => [name, []]));
  const clients = new Map();
  for (const [name, { url }] of Object.entries(targets)) {
    const open = () => openClient(url, { path: '/v1/chat/completions' });
    clients.set(name, await Promise.all(Array.from({ length: concurrency }, open)));
  }
  for (let round = -WARM_UP; round < ROUNDS; round++)
    for (const [name, { next }] of Object.entries(targets)) {
      const each = Math.ceil(PER_TURN / concurrency);
      const taken = await Promise.all(
        clients.get(name).map((client) => times(each, () => client.post(next()))),
      );
      if (round >= 0) samples.get(name).push(taken.flat());
    }
  for (const open of clients.values()) for (const client of open) client.close();
  const added = (name, q) =>
    samples
      .get(name)
      .map((taken, round) => quantile(taken, q) - quantile(samples.get(DIRECT)[round], q));
  for (const name of Object.keys(targets)) {
    const taken = samples.get(name).flat();
    rows.push({
      'at a time': concurrency,
      request: name,
      p50: quantile(taken, 0.5),
      'added p50': median(added(name, 0.5)),
      'added p50, best tenth': quantile(added(name, 0.5), 0.1),
      p99: quantile(taken, 0.99),
      'added p99': quantile(taken, 0.99) - quantile(samples.get(DIRECT).flat(), 0.99),
    });
  }
}
const memory = {
  'router MB': (await usage(router.pid)).memoryMB,
  'classifier MB': (await usage(classifier.pid)).memoryMB,
};
printTable(`model: auto, prompts of ${WORDS} words; ms`, rows);
printTable('Memory', [memory]);
await save('auto', { options, rows, memory });
for (const { stop } of [router, classifier, upstream]) await stop();
await folder.remove();
process.exit(0);
