import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fail, root } from './environment.mjs';

const KEPT_LINES = 200;

/**
 * Runs a command in the root. Its output is shown where `show` says so, and all of it when it
 * fails, which ends this process.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, show?: (line: string) => string | undefined }} [options]
 */
export async function runCommand(command, args, { env = process.env, show } = {}) {
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  /** @type {string[]} */
  const kept = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      kept.push(line);
      if (kept.length > KEPT_LINES) kept.shift();
      const shown = show?.(line);
      if (shown !== undefined) process.stderr.write(`${shown}\n`);
    });
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      kept.push(error.message);
      resolve(1);
    });
    child.once('close', resolve);
  });
  if (code === 0) return;
  process.stderr.write(`${kept.join('\n')}\n`);
  fail(`"${command} ${args.join(' ')}" failed (exit code ${code}); its output is above`);
}
