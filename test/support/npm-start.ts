import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'vitest';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { root } from './service-process.js';

/** `npm start` as a user types it, from a directory of the user's own; a process group of its own. */
export class NpmStart implements AsyncDisposable {
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

/** For a demo of its own. */
export async function demoPorts(): Promise<{ ROUTER_PORT: string; CLASSIFIER_PORT: string }> {
  return { ROUTER_PORT: String(await freePort()), CLASSIFIER_PORT: String(await freePort()) };
}

/** What a command prints, typed in a shell. */
export async function shell(command: string): Promise<string> {
  const child = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  return output;
}
