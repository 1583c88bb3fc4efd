import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 15_000;
const KEPT_LINES = 1000;

export interface ServiceOptions {
  /** Path of the built entry, relative to the root. */
  entry: string;
  env: Record<string, string | undefined>;
}

/** A service in a process of its own, as a user runs it; `url` is where it said it listens. */
export class ServiceProcess implements AsyncDisposable {
  readonly log: Record<string, unknown>[] = [];
  url = '';
  stderr = '';
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | NodeJS.Signals>;

  private constructor({ entry, env }: ServiceOptions) {
    const { PATH, HOME } = process.env;
    this.#child = spawn(process.execPath, [`${root}${entry}`], {
      cwd: root,
      env: { PATH, HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // `close` and not `exit`: then all it said has been read.
    this.#exit = once(this.#child, 'close').then(([code, signal]) => code ?? signal);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout }).on('line', (line) => {
        this.log.push(line.startsWith('{') ? JSON.parse(line) : { text: line });
        if (this.log.length > KEPT_LINES) this.log.shift();
      });
  }

  /** Starts it without waiting for anything: for starts that are meant to fail. */
  static spawn(options: ServiceOptions): ServiceProcess {
    return new ServiceProcess(options);
  }

  /** Resolves when `/ready` answers 200 (or `/health`, where readiness is not wanted). */
  static async start(options: ServiceOptions, probe = '/ready'): Promise<ServiceProcess> {
    const service = new ServiceProcess(options);
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await service.#answers(probe))) {
      if (Date.now() > deadline || service.#child.exitCode !== null) {
        await service.kill();
        throw new Error(`${options.entry} did not start: ${service.stderr}`);
      }
      await sleep(20);
    }
    return service;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Exit code, or the signal that ended it. */
  async exit(): Promise<number | NodeJS.Signals> {
    return this.#exit;
  }

  /** SIGKILL by default: nothing is flushed, nothing is said. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | NodeJS.Signals> {
    this.#child.kill(signal);
    return this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const limit = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.kill('SIGTERM');
    clearTimeout(limit);
  }

  async #answers(path: string): Promise<boolean> {
    const listening = this.log.find(({ msg, url }) => msg === 'listening' && url !== undefined);
    if (!listening) return false;
    this.url = String(listening.url);
    try {
      const response = await fetch(this.url + path, { signal: AbortSignal.timeout(1000) });
      await response.body?.cancel();
      return response.ok;
    } catch {
      return false;
    }
  }
}
