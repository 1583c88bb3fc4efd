import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const modelDir = process.env.MODEL_DIR ?? join(root, '.models');

/** A classifier with 100,000 exemplars and no snapshot builds its index first, in about a minute. */
const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 10_000;
const TICKS_PER_SECOND = 100;

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
  const path = join(folder, `fleet-${await freePort()}.json`);
  // JSON is YAML.
  await writeFile(path, JSON.stringify(config));
  const port = await freePort();
  const args = [join(root, 'services/router/dist/server.js')];
  return startServer(process.execPath, args, `http://127.0.0.1:${port}`, {
    probe: '/health',
    env: {
      ROUTER_PORT: String(port),
      SWITCHYARD_CONFIG: path,
      // Nothing listens there: requests name their pool.
      CLASSIFIER_URL: 'http://127.0.0.1:9',
      ...env,
    },
  });
}

/** A classifier that is ready; `readyMs` from its start. Lines of its log go to `onLine`. */
export async function startClassifier({ dataDir, env = {}, onLine = () => undefined }) {
  const started = performance.now();
  const child = start(process.execPath, [join(root, 'services/classifier/dist/server.js')], {
    CLASSIFIER_PORT: '0',
    DATA_DIR: dataDir,
    MODEL_DIR: modelDir,
    ...env,
  });
  let url = '';
  const lines = createInterface({ input: child.stdout });
  await within(
    new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the classifier ended with ${code}`)));
      lines.on('line', (line) => {
        const entry = JSON.parse(line);
        onLine(entry);
        if (entry.msg === 'listening') url = entry.url;
        if (entry.msg === 'ready') resolve();
      });
    }),
    'the classifier',
  );
  const readyMs = performance.now() - started;
  return { url, pid: child.pid, readyMs, stop: (signal) => stop(child, signal) };
}

/** A redis-server of the benchmark's own, which writes nothing to disk but what `args` say. */
export async function startRedis(folder, args = ['--appendonly', 'no']) {
  const port = await freePort();
  const child = start('redis-server', [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...args],
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
  return { url: `redis://127.0.0.1:${port}`, pid: child.pid, stop: () => stop(child) };
}

/** A server that is up when `url` answers anything. */
export async function startServer(command, args, url, { env = {}, probe = '' } = {}) {
  const child = start(command, args, env);
  child.stdout.resume();
  let problem;
  child.once('error', (error) => {
    problem = error;
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const signal = AbortSignal.timeout(1000);
    const answer = await fetch(url + probe, { signal }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer) return { url, pid: child.pid, stop: () => stop(child) };
    if (problem || child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${command} did not start`, { cause: problem });
    await sleep(20);
  }
}

/** A script of the benchmarks, which is given a free port before its other arguments. */
export async function startScript(entry, ...args) {
  const port = await freePort();
  const command = [fileURLToPath(entry), String(port), ...args];
  return { port, ...(await startServer(process.execPath, command, `http://127.0.0.1:${port}`)) };
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

export async function stop(child, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  const limit = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exit;
  clearTimeout(limit);
}

/**
 * Seconds of CPU that a process has used, MB that it has in memory, how many of them are no file's (the
 * pages of one that is mapped are the page cache's to take back), and the most it ever had.
 */
export async function usage(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const megabytes = (name) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1024;
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    memoryMB: megabytes('VmRSS'),
    ownMB: megabytes('RssAnon'),
    peakMB: megabytes('VmHWM'),
  };
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

async function within(promise, what) {
  let limit;
  const late = new Promise((_, reject) => {
    const error = new Error(`${what} was not ready within ${START_TIMEOUT_MS / 1000} s`);
    limit = setTimeout(reject, START_TIMEOUT_MS, error);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(limit);
  }
}
