import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, serviceEnvironment } from './environment.mjs';
import { filesBelow } from './fingerprint.mjs';
import { prepare } from './prepare.mjs';

/** Those that `npm run bench` runs, in turn, with what each may take in minutes. */
const LIMITS = new Map([
  ['router', 5],
  ['streaming', 3],
  ['auto', 2],
  ['classify', 3],
  ['index', 4],
  ['start', 4],
  ['ingestion', 4],
  ['ledger', 2],
]);
const MINUTE_MS = 60_000;

/**
 * `npm run bench`: the benchmarks of test/bench in turn, each within its limit; those that take longer are run
 * by name. `npm run bench -- list` says which there are; `npm run bench -- NAME [options]` runs one.
 */
const [, , name, ...args] = process.argv;
const files = filesBelow('test/bench').filter((file) => /^test\/bench\/[^/]+\.mjs$/.test(file));
/** @type {[string, string][]} */
const described = files.flatMap((file) => {
  const { usage } =
    /`npm run bench -- (?<usage>[^`]+)`/.exec(readFileSync(join(root, file), 'utf8'))?.groups ?? {};
  const [, key] = /([^/]+)\.mjs$/.exec(file) ?? [];
  return usage && key ? [[key, usage.replace(/\s+\*?\s+/g, ' ')]] : [];
});
const benchmarks = new Map(described);

/** @param {string} benchmark @param {string[]} options @param {number} [timeout] ms */
function run(benchmark, options, timeout) {
  return spawnSync(process.execPath, [join(root, `test/bench/${benchmark}.mjs`), ...options], {
    cwd: root,
    env: serviceEnvironment(),
    stdio: 'inherit',
    timeout,
  });
}

function list() {
  process.stdout.write('npm run bench -- NAME\n');
  for (const [key, usage] of benchmarks)
    process.stdout.write(`  ${usage}${LIMITS.has(key) ? '' : '   (by name only)'}\n`);
}

function runAll() {
  const failed = [...LIMITS].filter(([benchmark, minutes]) => {
    process.stdout.write(`\n› ${benchmark}\n`);
    return run(benchmark, [], minutes * MINUTE_MS).status !== 0;
  });
  const others = [...benchmarks.keys()].filter((key) => !LIMITS.has(key));
  process.stdout.write(`\nnot among them, since they take long: ${others.join(', ')}\n`);
  if (failed.length > 0) fail(`failed or too slow: ${failed.map(([key]) => key).join(', ')}`);
}

if (name === 'list') list();
else if (name === undefined) {
  await prepare();
  runAll();
} else if (!benchmarks.has(name)) {
  fail(`there is no benchmark "${name}"; there are ${[...benchmarks.keys()].join(', ')}`);
} else {
  await prepare();
  process.exit(run(name, args).status ?? 1);
}
