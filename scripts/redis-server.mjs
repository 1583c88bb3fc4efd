import { spawnSync } from 'node:child_process';
import { fail, progress } from './environment.mjs';
import { runCommand } from './run-command.mjs';

const HOW =
  'install Redis 6.2 or newer (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis), ' +
  'or put an installed redis-server on PATH';

/** @param {string} command @param {string[]} args */
const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/** The tests run real Redis servers: one found on PATH, else installed where that is permitted. */
export async function ensureRedisServer() {
  if (works('redis-server', ['--version'])) return;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const mayInstall =
    works('apt-get', ['--version']) && (sudo.length === 0 || works('sudo', ['-n', 'true']));
  if (!mayInstall) fail(`redis-server is not on PATH and cannot be installed from here; ${HOW}`);
  progress('installing redis-server, which the tests start on ports of their own');
  const apt = (/** @type {string[]} */ ...args) => {
    // Run level 1: the package does not start a server of the machine's own.
    const [command = '', ...rest] = [
      ...sudo,
      'env',
      'RUNLEVEL=1',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      ...args,
    ];
    return runCommand(command, rest);
  };
  await apt('update');
  await apt('install', '-y', '--no-install-recommends', 'redis-server');
  if (!works('redis-server', ['--version']))
    fail(`redis-server was installed and is not on PATH; ${HOW}`);
}
