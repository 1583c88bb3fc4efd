/**
 * `npm run bench -- router [--rounds N] [--seconds S]`: the router beside its peers, all in front of one
 * upstream that answers at once: nginx and HAProxy with one worker, a bare proxy in Node, the Portkey
 * gateway from npm. Rounds of A B C ... A B C ..., medians; needs wrk (Debian: apt-get install wrk nginx
 * haproxy redis-server). What is not installed is named. Writes results/router.json.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { startRedis, startRouter, temporaryFolder } from './processes.mjs';
import { startNodeUpstream, startPeers, startUpstream } from './router/peers.mjs';
import { hasWrk, postScript, wrk } from './router/wrk.mjs';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
  },
});
const ROUNDS = Number(options.rounds);
const SECONDS = Number(options.seconds);
const CONCURRENCY = [1, 16, 64];
const TICKS_PER_SECOND = 100;

if (!hasWrk()) {
  process.stderr.write('wrk is not on PATH (Debian and Ubuntu: apt-get install wrk)\n');
  process.exit(1);
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];

/** Seconds of CPU that a process has used, and MB that it has in memory. */
async function usage(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    memoryMB: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
  };
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
const targets = {
  'direct, no proxy': upstream,
  'switchyard, memory ledger': await router({}),
  'switchyard, no log': await router({ LOG_LEVEL: 'warn' }),
  'switchyard, Redis ledger': redis && (await router({ REDIS_URL: redis.url })),
  ...(await startPeers(folder.path, upstream)),
};
const missing = Object.entries(targets)
  .filter(([, target]) => !target)
  .map(([name]) => name);
const present = Object.entries(targets).filter(([, target]) => target);

const body = JSON.stringify({
  model: 'm',
  messages: [{ role: 'user', content: 'Write a Python function to sort a list' }],
});
const scripts = new Map();
for (const [name, { headers }] of present) {
  const own = await temporaryFolder();
  scripts.set(name, await postScript(own.path, body, headers));
}

const samples = new Map();
for (let round = 0; round <= ROUNDS; round++)
  for (const connections of CONCURRENCY)
    for (const [name, { url, pid }] of present) {
      const before = await usage(pid);
      const seconds = round === 0 ? 1 : SECONDS;
      const result = await wrk(`${url}/v1/chat/completions`, scripts.get(name), {
        connections,
        seconds,
      });
      const after = await usage(pid);
      // The first round warms up.
      if (round === 0) continue;
      const key = `${name}|${connections}`;
      const cpuMs = (1000 * (after.cpu - before.cpu)) / result.requests;
      samples.set(key, [
        ...(samples.get(key) ?? []),
        { ...result, cpuMs, memoryMB: after.memoryMB },
      ]);
    }

const of = (name, connections, field) =>
  median((samples.get(`${name}|${connections}`) ?? []).map((one) => one[field]));
const rows = CONCURRENCY.flatMap((connections) =>
  present.map(([name]) => {
    const direct = (field) => of('direct, no proxy', connections, field);
    const nginx = targets.nginx ? of('nginx', connections, 'perSecond') : Number.NaN;
    return {
      connections,
      name,
      perSecond: of(name, connections, 'perSecond'),
      ofNginx: of(name, connections, 'perSecond') / nginx,
      p50: of(name, connections, 'p50'),
      addedP50: of(name, connections, 'p50') - direct('p50'),
      p99: of(name, connections, 'p99'),
      addedP99: of(name, connections, 'p99') - direct('p99'),
      cpuMsPerRequest: of(name, connections, 'cpuMs'),
      memoryMB: of(name, connections, 'memoryMB'),
    };
  }),
);
for (const connections of CONCURRENCY) {
  process.stdout.write(`\n${connections} at a time (times in ms, medians of ${ROUNDS} rounds)\n`);
  const shown = rows.filter((row) => row.connections === connections);
  console.table(
    Object.fromEntries(
      shown.map(({ name, connections: _, ...figures }) => [
        name,
        Object.fromEntries(
          Object.entries(figures).map(([field, value]) => [field, Number(value.toFixed(3))]),
        ),
      ]),
    ),
  );
}
if (missing.length > 0)
  process.stdout.write(`not installed, so not measured: ${missing.join(', ')}\n`);
const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.version };
const result = {
  date: new Date().toISOString(),
  machine,
  rounds: ROUNDS,
  seconds: SECONDS,
  missing,
  rows,
};
await writeFile(
  new URL('results/router.json', import.meta.url),
  `${JSON.stringify(result, null, 1)}\n`,
);
for (const [, { stop }] of present) await stop();
await redis?.stop();
await folder.remove();
process.exit(0);
