import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The environment of what the front-door commands start. Where the user named no directory, data
 * and model live in the repository, wherever the command was typed.
 * @returns {NodeJS.ProcessEnv}
 */
export function serviceEnvironment() {
  return {
    ...process.env,
    DATA_DIR: process.env.DATA_DIR || join(root, 'data'),
    MODEL_DIR: process.env.MODEL_DIR || join(root, '.models'),
  };
}

/** node-gyp finds Node's own headers instead of fetching them, where they are installed. */
export function buildEnvironment() {
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, 'include', 'node', 'node.h');
  const env = { ...process.env, CI: process.env.CI ?? 'true' };
  return existsSync(header) ? { npm_config_nodedir: prefix, ...env } : env;
}

/**
 * Ends the command with one line that names the problem and the fix.
 * @param {string} message
 * @returns {never}
 */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** @param {string} message */
export function progress(message) {
  process.stderr.write(`› ${message}\n`);
}
