/**
 * `npm run bench -- streaming [--rounds N] [--streams N] [--seconds S]`: event streams through the router
 * and its peers: what they add to the time to the first event, one stream at a time; events relayed as fast as
 * 16 streams go; and 500 streams at once of ten events a second each, with what that takes of CPU and memory.
 */
import { parseArgs } from 'node:util';
import { median, printTable, quantile, save } from './figures.mjs';
import { startRouter, startScript, temporaryFolder, usage } from './processes.mjs';
import { openClient, times } from './raw-client.mjs';
import { startPeers } from './router/peers.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    streams: { type: 'string', default: '500' },
    seconds: { type: 'string', default: '4' },
  },
});
const ROUNDS = Number(options.rounds);
const STREAMS = Number(options.streams);
const SECONDS = Number(options.seconds);
const PER_TURN = 25;
const WARM_UP = 2;
const FAST_STREAMS = 16;
const FAST_TOKENS = 2000;
const FAST_ROUNDS = 3;
const EVERY_MS = 100;
const DIRECT = 'direct, no proxy';

const folder = await temporaryFolder();
const upstream = await startScript(new URL('router/streaming-upstream.mjs', import.meta.url));
const config = {
  pools: {
    main: { backends: [{ name: 'up', url: upstream.url, model: 'm', health: { path: '/' } }] },
  },
  default: 'main',
};
const all = {
  [DIRECT]: upstream,
  switchyard: await startRouter({ folder: folder.path, config, env: {} }),
  ...(await startPeers(folder.path, upstream)),
};
const missing = Object.keys(all).filter((name) => !all[name]);

const ask = (tokens, everyMs) =>
  JSON.stringify({
    model: 'm',
    stream: true,
    max_tokens: tokens,
    user: String(everyMs),
    messages: [{ role: 'user', content: 'Tell me a story about dragons' }],
  });
const open = ({ url, headers }) => openClient(url, { path: '/v1/chat/completions', headers });
const opened = (count, target) => Promise.all(Array.from({ length: count }, () => open(target)));

/** Peers that answer a stream with an error are no peers here. */
const failed = {};
const present = [];
for (const [name, target] of Object.entries(all).filter(([, one]) => one)) {
  const client = await open(target);
  await client.stream(ask(1, 0)).then(
    () => present.push([name, target]),
    (error) => {
      failed[name] = error.message.split('\r\n', 1)[0];
    },
  );
  client.close();
}

async function firstEvents() {
  const found = new Map(present.map(([name]) => [name, []]));
  const clients = new Map();
  for (const [name, target] of present) clients.set(name, await open(target));
  for (let round = -WARM_UP; round < ROUNDS; round++)
    for (const [name] of present) {
      const taken = [];
      await times(PER_TURN, async () => {
        const { firstMs } = await clients.get(name).stream(ask(1, 0));
        taken.push(firstMs);
      });
      if (round >= 0) found.get(name).push(taken);
    }
  for (const client of clients.values()) client.close();
  return found;
}

async function flatOut(target) {
  const clients = await opened(FAST_STREAMS, target);
  const before = await usage(target.pid);
  const started = performance.now();
  const seen = await Promise.all(clients.map((client) => client.stream(ask(FAST_TOKENS, 0))));
  const seconds = (performance.now() - started) / 1000;
  const after = await usage(target.pid);
  for (const client of clients) client.close();
  const tokens = seen.reduce((sum, { events }) => sum + events, 0);
  return { perSecond: tokens / seconds, cpuMs: (1e6 * (after.cpu - before.cpu)) / tokens };
}

async function many(target) {
  const clients = await opened(STREAMS, target);
  const before = await usage(target.pid);
  let mostMB = 0;
  const watch = setInterval(async () => {
    mostMB = Math.max(mostMB, (await usage(target.pid)).memoryMB);
  }, 100);
  const started = performance.now();
  const tokens = (1000 * SECONDS) / EVERY_MS;
  const seen = await Promise.all(clients.map((client) => client.stream(ask(tokens, EVERY_MS))));
  const seconds = (performance.now() - started) / 1000;
  clearInterval(watch);
  const after = await usage(target.pid);
  for (const client of clients) client.close();
  const events = seen.reduce((sum, one) => sum + one.events, 0);
  return {
    perSecond: events / seconds,
    cpuMs: (1e6 * (after.cpu - before.cpu)) / events,
    gapP99: quantile(
      seen.flatMap(({ gaps }) => gaps),
      0.99,
    ),
    memoryMB: mostMB,
  };
}

const first = await firstEvents();
const fast = new Map(present.map(([name]) => [name, []]));
for (let round = -1; round < FAST_ROUNDS; round++)
  for (const [name, target] of present) {
    const run = await flatOut(target);
    if (round >= 0) fast.get(name).push(run);
  }
const rows = [];
for (const [name, target] of present) {
  const crowd = await many(target);
  const added = first
    .get(name)
    .map((taken, round) => quantile(taken, 0.5) - quantile(first.get(DIRECT)[round], 0.5));
  const perSecond = (of) => median(fast.get(of).map((run) => run.perSecond));
  rows.push({
    target: name,
    'first event p50': quantile(first.get(name).flat(), 0.5),
    'added p50': median(added),
    p99: quantile(first.get(name).flat(), 0.99),
    'tokens/s, flat out': perSecond(name),
    'x nginx': all.nginx ? perSecond(name) / perSecond('nginx') : Number.NaN,
    [`${STREAMS} streams: tokens/s`]: crowd.perSecond,
    'gap p99': crowd.gapP99,
    'CPU ms/1000 tokens': crowd.cpuMs,
    'memory MB': crowd.memoryMB,
  });
}
printTable('Streaming; times in ms', rows);
if (missing.length > 0)
  process.stdout.write(`\nnot installed, so not measured: ${missing.join(', ')}\n`);
for (const [name, why] of Object.entries(failed))
  process.stdout.write(
    `\nnot measured, since it answers a stream with an error: ${name} (${why})\n`,
  );
await save('streaming', { options, missing, failed, rows });
for (const target of Object.values(all).reverse()) await target?.stop();
await folder.remove();
process.exit(0);
