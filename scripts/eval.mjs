import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, serviceEnvironment } from './environment.mjs';
import { prepare } from './prepare.mjs';

/** `npm run eval -- <dataset file> [--shots N]`: classification quality on a labelled dataset. */
await prepare();
Object.assign(process.env, serviceEnvironment());
await import(pathToFileURL(join(root, 'services/classifier/dist/evaluation/eval-cli.js')).href);
