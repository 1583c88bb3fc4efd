import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Those of this process, so that none outlives it. */
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'switchyard-bench-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** A router with this configuration, as an object, on a free port. */
export async function startRouter({ folder, config, env }) {
  const path = join(folder, 'fleet.json');
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config));
  const child = start(process.execPath, [join(root, 'services/router/dist/server.js')], {
    ROUTER_PORT: '0',
    SWITCHYARD_CONFIG: path,
    // Nothing listens there: requests name their pool.
    CLASSIFIER_URL: 'http://127.0.0.1:9',
    ...env,
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, url } = JSON.parse(line);
    if (msg !== 'listening') continue;
    child.stdout.resume();
    return { url, pid: child.pid, stop: () => stop(child) };
  }
  throw new Error('the router did not start');
}

/** A redis-server of the benchmark's own, which writes nothing to disk. */
export async function startRedis(folder) {
  const port = await freePort();
  const child = start('redis-server', [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
    ...['--save', '', '--appendonly', 'no'],
  ]);
  let said = '';
  child.stdout.on('data', (text) => {
    said += text;
  });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error(`redis-server cannot be started: ${error.message}`);
  });
  while (!said.includes('Ready to accept connections')) {
    await Promise.race([sleep(10), failed]);
    if (child.exitCode !== null) throw new Error(`redis-server did not start: ${said}`);
  }
  return { url: `redis://127.0.0.1:${port}`, stop: () => stop(child) };
}

export function start(command, args, env = {}) {
  const { PATH, HOME } = process.env;
  const child = spawn(command, args, {
    cwd: root,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

export async function freePort() {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
