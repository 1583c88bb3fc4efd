/**
 * `npm run bench -- router [--rounds N] [--seconds S]`: requests that name their model through the router
 * and through its peers, all in front of one upstream that answers at once: nginx and HAProxy with one
 * worker, a bare proxy in Node, the Portkey gateway from npm. Rounds of A B C ... A B C ...; needs wrk
 * (Debian: apt-get install wrk nginx haproxy redis-server). Peers that are not installed are named.
 */
import { parseArgs } from 'node:util';
import { median, printTable, save } from './figures.mjs';
import { startRedis, startRouter, temporaryFolder, usage } from './processes.mjs';
import { startNodeUpstream, startPeers, startUpstream } from './router/peers.mjs';
import { hasWrk, postScript, wrk } from './router/wrk.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
  },
});
const ROUNDS = Number(options.rounds);
const SECONDS = Number(options.seconds);
const CONCURRENCY = [1, 16, 64];
/** Until V8 has compiled what is hot. */
const WARM_UP_SECONDS = 3;
const DIRECT = 'direct, no proxy';

if (!hasWrk()) {
  process.stderr.write('wrk is not on PATH (Debian and Ubuntu: apt-get install wrk)\n');
  process.exit(1);
}

const folder = await temporaryFolder();
const upstream = await startUpstream(folder.path).catch(() => startNodeUpstream());
const config = {
  pools: {
    main: {
      policy: 'least-connections',
      backends: [{ name: 'up', url: upstream.url, model: 'm', health: { path: '/' } }],
    },
  },
  default: 'main',
};
const redis = await startRedis(folder.path).catch(() => undefined);
const router = (env) => startRouter({ folder: folder.path, config, env });
const all = {
  [DIRECT]: upstream,
  'switchyard, memory ledger': await router({}),
  'switchyard, no log': await router({ LOG_LEVEL: 'warn' }),
  'switchyard, Redis ledger': redis && (await router({ REDIS_URL: redis.url })),
  ...(await startPeers(folder.path, upstream)),
};
const missing = Object.keys(all).filter((name) => !all[name]);
const present = Object.entries(all).filter(([, target]) => target);

const body = JSON.stringify({
  model: 'm',
  messages: [{ role: 'user', content: 'Write a Python function to sort a list' }],
});
const scripts = new Map();
for (const [at, [name, { headers }]] of present.entries())
  scripts.set(name, await postScript(folder.path, `post-${at}`, body, headers));

const samples = new Map();
async function measure(name, { url, pid }, connections, seconds) {
  const before = await usage(pid);
  const path = `${url}/v1/chat/completions`;
  const result = await wrk(path, scripts.get(name), { connections, seconds });
  const after = await usage(pid);
  const cpuMs = (1000 * (after.cpu - before.cpu)) / result.requests;
  return { ...result, cpuMs, memoryMB: after.memoryMB };
}

for (const [name, target] of present) await measure(name, target, 16, WARM_UP_SECONDS);
for (let round = 0; round < ROUNDS; round++)
  for (const connections of CONCURRENCY)
    for (const [name, target] of present) {
      const key = `${name}|${connections}`;
      const sample = await measure(name, target, connections, SECONDS);
      samples.set(key, [...(samples.get(key) ?? []), sample]);
    }

/** Of each round the figure, or what `against` makes of it and that of another target in that round. */
function figures(name, connections, field, other, against = (value) => value) {
  const own = samples.get(`${name}|${connections}`) ?? [];
  const others = samples.get(`${other}|${connections}`) ?? own;
  return own.map((sample, round) => against(sample[field], others[round][field]));
}

const minus = (a, b) => a - b;
const over = (a, b) => a / b;
const rows = CONCURRENCY.flatMap((connections) =>
  present.map(([name]) => {
    const of = (field, other, against) => median(figures(name, connections, field, other, against));
    const compared = (other) => (all[other] ? of('perSecond', other, over) : Number.NaN);
    return {
      'at a time': connections,
      target: name,
      'requests/s': of('perSecond'),
      'x nginx': compared('nginx'),
      'x Portkey': compared('Portkey gateway'),
      p50: of('p50'),
      'added p50': of('p50', DIRECT, minus),
      'added p50, best round': Math.min(...figures(name, connections, 'p50', DIRECT, minus)),
      p99: of('p99'),
      'added p99': of('p99', DIRECT, minus),
      'CPU ms/request': of('cpuMs'),
      'memory MB': of('memoryMB'),
    };
  }),
);
for (const connections of CONCURRENCY)
  printTable(
    `Explicit model, ${connections} at a time; ms, medians of ${ROUNDS} rounds`,
    rows.filter((row) => row['at a time'] === connections).map(({ 'at a time': _, ...row }) => row),
  );
if (missing.length > 0)
  process.stdout.write(`\nnot installed, so not measured: ${missing.join(', ')}\n`);
await save('router', { options, missing, rows });
for (const [, { stop }] of present.reverse()) await stop();
await redis?.stop();
await folder.remove();
process.exit(0);
