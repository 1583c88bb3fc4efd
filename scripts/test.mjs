import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root, serviceEnvironment } from './environment.mjs';
import { prepare } from './prepare.mjs';
import { ensureSystemPrograms } from './system-programs.mjs';

/** `npm test [-- vitest arguments]`: everything, against the built services and the real model. */
await prepare();
await ensureSystemPrograms();
const { MODEL_DIR } = serviceEnvironment();
const { status } = spawnSync(
  join(root, 'node_modules/.bin/vitest'),
  ['run', ...process.argv.slice(2)],
  { cwd: root, stdio: 'inherit', env: { ...process.env, MODEL_DIR } },
);
process.exit(status ?? 1);
