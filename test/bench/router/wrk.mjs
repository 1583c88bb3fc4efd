import { spawn, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const hasWrk = () =>
  spawnSync('wrk', ['--version'], { stdio: 'ignore' }).error === undefined;

/** A script that posts one body again and again. */
export async function postScript(folder, name, body, headers = {}) {
  const path = join(folder, `${name}.lua`);
  const all = { 'content-type': 'application/json', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `wrk.headers["${name}"] = "${value}"`);
  await writeFile(
    path,
    [
      'wrk.method = "POST"',
      ...lines,
      `wrk.body = ${JSON.stringify(body)}`,
      'done = function(summary, latency, requests)',
      '  io.write(string.format("RESULT %d %d %f %f %f\\n", summary.requests, summary.errors.status +',
      '    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,',
      '    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000))',
      'end',
    ].join('\n'),
  );
  return path;
}

/** Beyond what it was told to take, after which it is ended. */
const GRACE_MS = 10_000;

/** Requests a second, and ms of half and of 99 % of them, at so many connections. */
export async function wrk(url, script, { connections, seconds }) {
  const child = spawn('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 1000 * seconds + GRACE_MS,
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await new Promise((resolve) => child.once('close', resolve));
  const [, requests, errors, duration, p50, p99] =
    /RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) ([\d.]+)/.exec(said)?.map(Number) ?? [];
  if (!requests || errors > 0) throw new Error(`${url}: ${said}`);
  return { requests, perSecond: requests / duration, p50, p99 };
}
