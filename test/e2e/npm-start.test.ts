import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { root } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

/** `npm start` as a user types it, from a directory of the user's own; a process group of its own. */
class NpmStart implements AsyncDisposable {
  output = '';
  readonly exit: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    this.exit = once(child, 'exit').then(([code]) => code);
  }

  static async run(cwd: string, env: Record<string, string>): Promise<NpmStart> {
    const { PATH, HOME, MODEL_DIR } = process.env;
    return new NpmStart(
      spawn('npm', ['--prefix', root, 'start'], {
        cwd,
        detached: true,
        env: { PATH, HOME, ...(MODEL_DIR && { MODEL_DIR }), ...env },
      }),
    );
  }

  async banner(): Promise<string> {
    await eventually(() => expect(this.output).toContain('Ctrl-C stops everything'));
    return this.output;
  }

  /** To every process of the group, as Ctrl-C in a terminal does. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-(this.child.pid ?? 0), signal);
    } catch {
      // The group is gone already.
    }
  }

  get groupIsGone(): boolean {
    try {
      process.kill(-(this.child.pid ?? 0), 0);
      return false;
    } catch {
      return true;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGKILL');
    await this.exit;
  }
}

async function freePort(): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return String(port);
}

async function ports(): Promise<{ ROUTER_PORT: string; CLASSIFIER_PORT: string }> {
  return { ROUTER_PORT: await freePort(), CLASSIFIER_PORT: await freePort() };
}

/** Runs a curl line of the banner in a shell. */
async function shell(command: string): Promise<string> {
  const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  return output;
}

/** Process ids under which a service said that it listens, oldest first. */
function pids(output: string, service: string): number[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { service?: string; msg?: string; pid?: number })
    .filter((line) => line.service === service && line.msg === 'listening')
    .map(({ pid }) => pid ?? 0);
}

test('the demo answers the lines of its banner, restarts what dies and stops as one', async () => {
  await using directory = await temporaryDirectory();
  const env = await ports();
  await using demo = await NpmStart.run(directory.path, { ...env, DATA_DIR: 'my-data' });
  const lines = (await demo.banner()).match(/curl -si [^']+'[^']+' \\\n[^\n]+/g) ?? [];
  expect(lines).toHaveLength(3);
  const served = (answers: string[]) =>
    answers.map((answer) => /x-switchyard-pool: (\w+)/.exec(answer)?.[1]);
  const pools = ['code', 'chat', 'fast'];
  expect(served(await Promise.all(lines.map(shell)))).toEqual(pools);
  // A relative DATA_DIR belongs to where the user stands.
  expect(await shell(`ls ${directory.path}/my-data`)).toContain('exemplars.lmdb');

  for (const service of ['classifier', 'router']) {
    process.kill(pids(demo.output, service)[0] ?? 0, 'SIGKILL');
    await eventually(() => expect(pids(demo.output, service)).toHaveLength(2));
  }
  await eventually(async () => expect(served(await Promise.all(lines.map(shell)))).toEqual(pools));

  demo.signal('SIGINT');
  await demo.exit;
  await eventually(() => expect(demo.groupIsGone).toBe(true));
});

test('with a configuration of their own, users get their backends and no simulated ones', async () => {
  await using directory = await temporaryDirectory();
  await using own = await startSimulatedBackend({ name: 'my-own' });
  await writeFile(
    join(directory.path, 'my.yaml'),
    `pools: { mine: { backends: [{ name: my-own, url: "${own.url}" }] } }\ndefault: mine\n`,
  );
  const env = { ...(await ports()), DATA_DIR: 'data', SWITCHYARD_CONFIG: 'my.yaml' };
  await using started = await NpmStart.run(directory.path, env);
  expect(await started.banner()).not.toContain('code-a');
  const answer = await fetch(`http://127.0.0.1:${env.ROUTER_PORT}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ messages: [{ role: 'user', content: 'hi' }] }),
  });
  expect(answer.headers.get('x-simulated-backend')).toBe('my-own');
  started.signal('SIGTERM');
  await started.exit;
  await eventually(() => expect(started.groupIsGone).toBe(true));
});

test('a wrong configuration ends the start with its problem', async () => {
  await using directory = await temporaryDirectory();
  const env = { ...(await ports()), DATA_DIR: 'data', SWITCHYARD_CONFIG: 'missing.yaml' };
  await using started = await NpmStart.run(directory.path, env);
  expect(await started.exit).toBe(78);
  expect(started.output).toContain(`SWITCHYARD_CONFIG: cannot read ${directory.path}/missing.yaml`);
  await eventually(() => expect(started.groupIsGone).toBe(true));
});
