import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root, serviceEnvironment } from './environment.mjs';
import { filesBelow } from './fingerprint.mjs';
import { prepare } from './prepare.mjs';

/** `npm run bench -- NAME [options]`: a benchmark of test/bench; without a name, says which there are. */
const [, , name, ...args] = process.argv;
const files = filesBelow('test/bench').filter((file) => /^test\/bench\/[^/]+\.mjs$/.test(file));
/** @type {[string, string][]} */
const described = files.flatMap((file) => {
  const { usage } =
    /`npm run bench -- (?<usage>[^`]+)`/.exec(readFileSync(join(root, file), 'utf8'))?.groups ?? {};
  const [, key] = /([^/]+)\.mjs$/.exec(file) ?? [];
  return usage && key ? [[key, usage]] : [];
});
const benchmarks = new Map(described);

if (name === undefined) {
  process.stdout.write('npm run bench -- NAME\n');
  for (const usage of benchmarks.values()) process.stdout.write(`  ${usage}\n`);
} else if (!benchmarks.has(name)) {
  fail(`there is no benchmark "${name}"; there are ${[...benchmarks.keys()].join(', ')}`);
} else {
  await prepare();
  const { status } = spawnSync(process.execPath, [join(root, `test/bench/${name}.mjs`), ...args], {
    cwd: root,
    env: serviceEnvironment(),
    stdio: 'inherit',
  });
  process.exit(status ?? 1);
}
