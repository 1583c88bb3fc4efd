import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseCliOptions } from './cli-options.js';

const root = join(import.meta.dirname, '..');
// Inside the package, so that its dependencies resolve; bundled, so that the test needs no earlier build.
const outDir = join(root, 'dist', `cli-test-${process.pid}`);
const cli = join(outDir, 'cli.js');

beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: 'silent',
    root,
    build: { ssr: join(root, 'src/cli.ts'), outDir, target: 'node20' },
  });
});
afterAll(() => rm(outDir, { recursive: true, force: true }));

function run(...args: string[]): ChildProcess {
  const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'] };
  return spawn(process.execPath, [cli, ...args], options);
}

async function ended(child: ChildProcess) {
  const outputs = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : ''));
  const [code] = await once(child, 'exit');
  const [stdout, stderr] = await Promise.all(outputs);
  return { code, stdout, stderr };
}

async function readyLine(child: ChildProcess) {
  const [line] = await once(child.stdout ?? child, 'data');
  return JSON.parse(String(line));
}

describe('parseCliOptions', () => {
  it('reads every option', () => {
    const line =
      '--port 0 --host ::1 --name a --slots 2 --ttft-ms 1.5 --tokens-per-second 0 --tokens 3 --models x,y --fault error:500';
    expect(parseCliOptions(line.split(' '))).toEqual({
      options: {
        port: 0,
        host: '::1',
        name: 'a',
        slots: 2,
        ttftMs: 1.5,
        tokensPerSecond: 0,
        tokens: 3,
        models: ['x', 'y'],
        fault: 'error:500',
      },
    });
    expect(parseCliOptions([])).toEqual({ options: { port: 8080 } });
  });

  it.each([
    ['--slots many', ['--slots']],
    ['--slots 1.5', ['--slots']],
    ['--port 70000', ['--port']],
    ['--ttft-ms=-1', ['--ttft-ms']],
    ['--fault explode', ['--fault']],
    ['--fault error:20', ['--fault']],
    ['--name', ['--name']],
    ['--name --slots 2', ['--name']],
    ['--nmae a', ['--nmae']],
    ['stray', ['stray']],
    ['--nmae a --slots x --port y stray', ['--nmae', 'stray', '--port', '--slots']],
  ])('names what is wrong in: %s', (line, names) => {
    const parsed = parseCliOptions(line.split(' '));
    const problems = 'problems' in parsed ? parsed.problems : [];
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(names);
  });
});

describe('the command', () => {
  it('says when it is ready and ends on SIGTERM', async () => {
    const child = run('--port', '0', '--name', 'x', '--ttft-ms', '0');
    const { url, ...line } = await readyLine(child);
    expect(line).toEqual({ level: 'info', msg: 'listening', name: 'x' });
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok' });
    child.kill('SIGTERM');
    expect(await ended(child)).toMatchObject({ code: 0, stderr: '' });
  });

  it('ends with 78 and one line per problem', async () => {
    const { code, stdout, stderr } = await ended(run('--slots', '0', '--bogus'));
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    expect(stderr).toMatch(/^--bogus: .+\n--slots: .+\n$/);
  });

  it('ends with 78 when the port is busy', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { code, stderr } = await ended(run('--port', String(port)));
    holder.close();
    expect(code).toBe(78);
    expect(stderr).toBe(`--port: port ${port} on 127.0.0.1 is already in use\n`);
  });

  it('ends when its parent disconnects', async () => {
    const child = fork(cli, ['--port', '0'], { silent: true });
    await readyLine(child);
    child.disconnect();
    expect(await ended(child)).toMatchObject({ code: 0 });
  });
});
