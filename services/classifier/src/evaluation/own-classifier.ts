import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 60_000;
const STOP_MS = 15_000;

/** A classifier of its own, empty and with the settings of the environment, that goes with its owner. */
export class OwnClassifier implements AsyncDisposable {
  url = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
  ) {}

  static async start(): Promise<OwnClassifier> {
    const directory = await mkdtemp(join(tmpdir(), 'switchyard-eval-'));
    const child = fork(new URL('../server.js', import.meta.url), {
      env: {
        ...process.env,
        CLASSIFIER_HOST: '127.0.0.1',
        CLASSIFIER_PORT: '0',
        DATA_DIR: directory,
        STARTER_EXEMPLARS: 'off',
        ADMIN_TOKEN: '',
        REDIS_URL: '',
        LOG_LEVEL: 'info',
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    const classifier = new OwnClassifier(child, directory);
    try {
      await classifier.#start(AbortSignal.timeout(START_MS));
      return classifier;
    } catch (error) {
      await classifier[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #start(signal: AbortSignal): Promise<void> {
    this.url = await listening(this.child, signal);
    while (!(await fetch(`${this.url}/ready`, { signal })).ok)
      await sleep(50, undefined, { signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      const limit = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(limit);
    }
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Where it says that it listens; its log is read on, so that it never waits for a reader. */
function listening(child: ChildProcess, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the classifier ended with exit code ${code}`)));
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, url } = line.startsWith('{') ? JSON.parse(line) : {};
      if (msg === 'listening') resolve(url);
    });
  });
}
