/**
 * `npm run bench -- affinity [--requests N] [--seconds N] [--rounds N] [--skip-sockets]`: what the load
 * bound of affinity does when some conversations are much busier than others (Zipf's law, 1000 of
 * them on 6 backends at 75 % load), against plain hashing and against no affinity. In simulation, with
 * servers that keep the prompts used last, and on sockets through two routers that share a Redis.
 * Prints Markdown tables, writes results/affinity.json.
 */
import { parseArgs } from 'node:util';
import { simulate } from './affinity/simulation.mjs';
import { startFleet } from './affinity/sockets.mjs';
import { REQUESTS_PER_SECOND, requests, VARIANTS } from './affinity/workload.mjs';
import { quantile, save } from './figures.mjs';

const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    'skip-sockets': { type: 'boolean', default: false },
  },
});
const seed = Number(options.seed);
const PLAIN = 'plain hashing (no bound)';

function figures(runs) {
  const latencies = runs.flatMap((run) => run.latencies);
  const excess = runs.flatMap((run) => run.excess);
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => Math.round(quantile(latencies, q)));
  const hits = runs.reduce((sum, run) => sum + run.hits, 0) / latencies.length;
  const worst = excess.length > 0 ? Math.max(...excess) : undefined;
  return { p50, p95, p99, hits, worst };
}

function show(title, hits, rows) {
  const plain = rows.find(({ name }) => name === PLAIN);
  const columns = ['', 'p50', 'p95', 'p99', 'p99 to plain', hits, 'most to average'];
  console.log(`\n${title}, ms\n\n| ${columns.join(' | ')} |\n|${' --- |'.repeat(columns.length)}`);
  for (const { name, p50, p95, p99, hits: share, worst } of rows) {
    const cells = [
      name,
      p50,
      p95,
      p99,
      (p99 / plain.p99).toFixed(2),
      `${(100 * share).toFixed(0)} %`,
    ];
    console.log(`| ${[...cells, worst?.toFixed(2) ?? ''].join(' | ')} |`);
  }
}

async function onSockets() {
  const count = Math.round(Number(options.seconds) * REQUESTS_PER_SECOND);
  const variants = VARIANTS.filter((variant) => variant.onSockets);
  const runs = new Map(variants.map(({ name }) => [name, []]));
  const fleet = await startFleet();
  try {
    await fleet.measure(VARIANTS[0], requests(Math.round(REQUESTS_PER_SECOND), seed));
    for (let round = 1; round <= Number(options.rounds); round++)
      for (const variant of variants) {
        process.stderr.write(`› round ${round}: ${variant.name}\n`);
        runs.get(variant.name).push(await fleet.measure(variant, requests(count, seed + round)));
      }
  } finally {
    await fleet.close();
  }
  return variants.map(({ name }) => ({ name, ...figures(runs.get(name)) }));
}

const asked = requests(Number(options.requests), seed);
const simulation = VARIANTS.map((variant) => ({
  name: variant.name,
  ...figures([simulate(variant, asked, seed)]),
}));
show('Simulation, servers that keep prompts', 'prompt in cache', simulation);
const sockets = options['skip-sockets'] ? undefined : await onSockets();
if (sockets) show('Sockets, two routers, no prompt cache', 'on the backend of its key', sockets);
await save('affinity', { options, simulation, sockets });
