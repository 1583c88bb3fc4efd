import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fail, progress } from './environment.mjs';
import { runCommand } from './run-command.mjs';

/** @param {string} command @param {string[]} args */
const works = (command, args) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;

/**
 * What the tests run for real beside Node: found on the machine, else installed where that is
 * permitted.
 */
const programs = [
  {
    name: 'redis-server',
    isThere: () => works('redis-server', ['--version']),
    packages: ['redis-server'],
    how:
      'install Redis 6.2 or newer (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis), ' +
      'or put an installed redis-server on PATH',
  },
  {
    name: 'nginx with njs',
    isThere: () => works('nginx', ['-v']) && njsModules.some(existsSync),
    packages: ['nginx', 'libnginx-mod-http-js'],
    how: 'install nginx and its JavaScript module (Debian and Ubuntu: apt-get install nginx libnginx-mod-http-js)',
  },
  {
    name: 'Chromium',
    isThere: () => works('chromium', ['--version']),
    packages: ['chromium'],
    how: 'install Chromium (Debian and Ubuntu: apt-get install chromium), on PATH as chromium',
  },
];

const njsModules = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/etc/nginx/modules'].map(
  (folder) => `${folder}/ngx_http_js_module.so`,
);

export async function ensureSystemPrograms() {
  const missing = programs.filter(({ isThere }) => !isThere());
  if (missing.length === 0) return;
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  const mayInstall =
    works('apt-get', ['--version']) && (sudo.length === 0 || works('sudo', ['-n', 'true']));
  const explain = (/** @type {string} */ problem) =>
    fail(missing.map(({ name, how }) => `${name} ${problem}; ${how}`).join('\n'));
  if (!mayInstall) explain('was not found and cannot be installed from here');
  progress(`installing ${missing.map(({ name }) => name).join(', ')}, which the tests start`);
  const apt = (/** @type {string[]} */ ...args) => {
    // Run level 1: the packages do not start servers of the machine's own.
    const environment = ['env', 'RUNLEVEL=1', 'DEBIAN_FRONTEND=noninteractive'];
    const [command = '', ...rest] = [...sudo, ...environment, 'apt-get', ...args];
    return runCommand(command, rest);
  };
  await apt('update');
  const packages = missing.flatMap((program) => program.packages);
  await apt('install', '-y', '--no-install-recommends', ...packages);
  if (missing.some(({ isThere }) => !isThere())) explain('was installed and is not found');
}
