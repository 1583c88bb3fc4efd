import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, root } from './environment.mjs';
import { ensureInstalled } from './prepare.mjs';

/**
 * `npm run dependencies`: what the services are built on, from the lockfile: known vulnerabilities,
 * where the registry answers that, and licences. Exit code 1 for a serious vulnerability or a licence
 * that is not in the list.
 */
const SERIOUS = ['high', 'critical'];
const LICENCES = new Set([
  'Apache-2.0',
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'Python-2.0',
  'Unlicense',
]);
/** Linked as a library that can be replaced, which its licence asks for. */
const EXCEPTIONS = /^@img\/sharp-/;

await ensureInstalled();
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** @param {string[]} args */
function pnpm(...args) {
  const { stdout } = spawnSync('npx', ['--yes', packageManager, ...args, '--prod', '--json'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  try {
    return JSON.parse(stdout);
  } catch {
    return fail(`pnpm ${args.join(' ')} gave no JSON: ${stdout.slice(0, 500)}`);
  }
}

const problems = [...vulnerabilities(), ...licences()];
if (problems.length > 0) fail(problems.join('\n'));

function vulnerabilities() {
  const audit = pnpm('audit');
  if (audit.error) {
    process.stdout.write('vulnerabilities: not known, the registry does not answer audits\n');
    return [];
  }
  const { vulnerabilities: counts } = audit.metadata;
  process.stdout.write(`vulnerabilities: ${JSON.stringify(counts)}\n`);
  return Object.values(audit.advisories)
    .filter(({ severity }) => SERIOUS.includes(severity))
    .map(
      ({ severity, module_name, title, url }) => `${severity}: ${module_name}: ${title} (${url})`,
    );
}

function licences() {
  /** @type {[string, { name: string }[]][]} */
  const list = Object.entries(pnpm('licenses', 'list'));
  for (const [licence, packages] of list.sort())
    process.stdout.write(`${String(packages.length).padStart(4)}  ${licence}\n`);
  return list.flatMap(([licence, packages]) =>
    packages
      .filter(({ name }) => !isAllowed(licence) && !EXCEPTIONS.test(name))
      .map(
        ({ name }) =>
          `${name} is under ${licence}, which is not in the list of scripts/dependencies.mjs`,
      ),
  );
}

/** @param {string} licence an SPDX expression; of alternatives one is enough */
function isAllowed(licence) {
  const alternatives = licence.replace(/[()]/g, '').split(' OR ');
  return alternatives.some((one) => one.split(' AND ').every((part) => LICENCES.has(part.trim())));
}
