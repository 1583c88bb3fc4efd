import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildEnvironment, fail, progress, root, serviceEnvironment } from './environment.mjs';
import { filesBelow, fingerprint, isMarked, packages, setMark } from './fingerprint.mjs';
import { runCommand } from './run-command.mjs';

const INSTALL_MARK = 'node_modules/.switchyard-install';
const BUILD_MARK = '.build/sources';

const installInputs = () => [
  'package.json',
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  ...packages.map((folder) => `${folder}/package.json`),
];

const buildInputs = () => [
  'pnpm-lock.yaml',
  'tsconfig.base.json',
  'tsconfig.build.json',
  ...packages.map((folder) => `${folder}/tsconfig.json`),
  ...packages.flatMap((folder) => filesBelow(`${folder}/src`)).filter(isBuilt),
];

/** @param {string} file */
const isBuilt = (file) =>
  (file.endsWith('.ts') && !file.endsWith('.test.ts')) || file.endsWith('.lua');

/** Installs the packages of the lockfile, with the pnpm that package.json names; once. */
export async function ensureInstalled() {
  const mark = fingerprint(installInputs());
  if (isMarked(INSTALL_MARK, mark)) return;
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  progress('installing packages (about a minute the first time)');
  let compiling = false;
  await runCommand('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'], {
    env: buildEnvironment(),
    show(line) {
      if (/^(Progress|Packages|Done)\b/.test(line)) return `  ${line}`;
      if (compiling || !line.includes('hnswlib-node install')) return undefined;
      compiling = true;
      return '  compiling hnswlib-node';
    },
  });
  setMark(INSTALL_MARK, mark);
}

/** For commands that install nothing themselves. */
export function requireInstalled() {
  if (!existsSync(join(root, INSTALL_MARK)))
    fail('packages are missing; run "npm run setup" first');
}

/** The compiler leaves Lua where it is; it runs from beside the compiled code. */
function copyLua() {
  for (const file of packages.flatMap((folder) => filesBelow(`${folder}/src`)))
    if (file.endsWith('.lua'))
      cpSync(join(root, file), join(root, file.replace('/src/', '/dist/')));
}

/** Compiles TypeScript when the sources are not those of the last build. */
export async function ensureBuilt() {
  const mark = fingerprint(buildInputs());
  const last = packages.every((folder) => existsSync(join(root, folder, 'dist')));
  if (last && isMarked(BUILD_MARK, mark)) return;
  progress('building');
  await runCommand(join(root, 'node_modules/.bin/tsc'), ['-b', 'tsconfig.build.json']);
  copyLua();
  setMark(BUILD_MARK, mark);
}

/** Writes the embedding model into MODEL_DIR, unless it is there. */
export async function ensureModel() {
  const cli = join(root, 'services/classifier/dist/embedding/preparation/prepare-cli.js');
  await runCommand(process.execPath, [cli], {
    env: serviceEnvironment(),
    show: (line) => (line.startsWith('Preparing') ? `› ${line}` : undefined),
  });
}

/** All three, in order. */
export async function prepare() {
  await ensureInstalled();
  await ensureBuilt();
  await ensureModel();
}
