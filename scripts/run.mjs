import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, serviceEnvironment } from './environment.mjs';
import { ensureBuilt, requireInstalled } from './prepare.mjs';

/** `npm run router`, `npm run classifier`, `npm run simulated-backend`: one service, in this process. */
const entries = {
  router: 'services/router/dist/server.js',
  classifier: 'services/classifier/dist/server.js',
  'simulated-backend': 'packages/simulated-backend/dist/cli.js',
};

const [, , name, ...args] = process.argv;
const entry = join(root, entries[/** @type {keyof typeof entries} */ (name)]);
requireInstalled();
await ensureBuilt();
Object.assign(process.env, serviceEnvironment());
process.argv = [process.execPath, entry, ...args];
await import(pathToFileURL(entry).href);
