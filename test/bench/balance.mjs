/**
 * `npm run bench -- balance [--requests N] [--seconds N] [--rounds N] [--skip-sockets]`: how evenly the
 * policies balance four backends, one of them four times slower, at 80 % load. In simulation (the real
 * policies and the real choice, no network) and on sockets (real routers, Redis, simulated backends),
 * with 1 router and with 4 whose counts are shared or their own, beside one queue for all. Prints
 * Markdown tables, writes results/balance.json.
 */
import { parseArgs } from 'node:util';
import { figures, table } from './balance/figures.mjs';
import { simulate, simulateIdeal } from './balance/simulation.mjs';
import { startFleet, warmUp } from './balance/sockets.mjs';
import { REQUESTS_PER_SECOND, requests, VARIANTS } from './balance/workload.mjs';
import { save } from './figures.mjs';

const { values: options } = parseArgs({
  options: {
    requests: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    'skip-sockets': { type: 'boolean', default: false },
  },
});
const seed = Number(options.seed);
/** Sets the numbers by which policies choose apart from those that made the requests. */
const CHOICES = 1_000_000;
const SETUPS = {
  one: { replicas: 1, shared: true },
  shared: { replicas: 4, shared: true },
  local: { replicas: 4, shared: false },
};

function rowsOf(figuresOf) {
  const cells = (variant) => Object.keys(SETUPS).map((key) => [key, figuresOf(variant, key)]);
  return VARIANTS.map((variant) => ({
    name: variant.name,
    ...Object.fromEntries(cells(variant)),
  }));
}

function inSimulation() {
  const asked = requests(Number(options.requests), seed);
  const rows = rowsOf((variant, key) =>
    figures([simulate(variant, asked, { ...SETUPS[key], seed: seed + CHOICES })]),
  );
  return { rows, ideal: figures([simulateIdeal(asked)]) };
}

/** Round after round of all variants and setups, so that a disturbance meets all alike. */
async function onSockets() {
  const count = Math.round(Number(options.seconds) * REQUESTS_PER_SECOND);
  const runs = new Map();
  const ideals = [];
  const fleet = await startFleet();
  try {
    await warmUp(fleet, requests(Math.round(2 * REQUESTS_PER_SECOND), seed));
    for (let round = 1; round <= Number(options.rounds); round++)
      for (const variant of VARIANTS)
        for (let repeat = 0; repeat < (variant.repeats ?? 1); repeat++) {
          // Of one repeat, the same requests in all setups.
          const asked = requests(count, seed + 100 * round + repeat);
          ideals.push(simulateIdeal(asked));
          for (const setup of Object.keys(SETUPS)) {
            process.stderr.write(`› round ${round}: ${variant.name}, ${setup}\n`);
            const key = `${variant.name} ${setup}`;
            const run = await fleet.measure(variant, asked, setup);
            runs.set(key, [...(runs.get(key) ?? []), run]);
          }
        }
  } finally {
    await fleet.close();
  }
  const rows = rowsOf(({ name }, key) => figures(runs.get(`${name} ${key}`)));
  return { rows, ideal: figures(ideals) };
}

const ratio = ({ rows }, name) => {
  const row = rows.find((one) => one.name === name);
  return row.shared.p99 / row.one.p99;
};

function show(title, result) {
  console.log(`\n${title}: p50 / p95 / p99 in ms (most in flight on one backend above another)\n`);
  console.log(table(result.rows, result.ideal));
  for (const name of ['least-connections', 'least-connections, capacity 4'])
    console.log(
      `\n${name}, shared counts: p99 with 4 replicas is ${ratio(result, name).toFixed(2)} x that with 1`,
    );
}

const simulation = inSimulation();
show('Simulation', simulation);
const sockets = options['skip-sockets'] ? undefined : await onSockets();
if (sockets) show('Sockets', sockets);
await save('balance', { options, simulation, sockets });
