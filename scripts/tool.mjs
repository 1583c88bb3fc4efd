import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from './environment.mjs';
import { ensureInstalled } from './prepare.mjs';

/** Runs a development tool of the workspace: `node scripts/tool.mjs biome check`. */
const [, , tool = '', ...args] = process.argv;
await ensureInstalled();
const { status } = spawnSync(join(root, 'node_modules/.bin', tool), args, {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
