import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { freePort } from './free-port.js';
import { temporaryDirectory } from './temporary-directory.js';

const START_TIMEOUT_MS = 10_000;
/** A free port may be taken by somebody else before the server has it. */
const START_ATTEMPTS = 5;

export interface RedisServerOptions {
  /** Every write is on disk before it is answered, so that a restart loses nothing. */
  appendOnly?: boolean;
  /** Further arguments of redis-server: `['--requirepass', 'x']`. */
  args?: readonly string[];
}

/** Those of this process, so that none outlives it. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A real redis-server on a port and in a directory of its own, which go with it. */
export class RedisServer implements AsyncDisposable {
  #child: ChildProcess | undefined;
  #client: Redis | undefined;

  private constructor(
    readonly port: number,
    private readonly directory: AsyncDisposable & { path: string },
    private readonly options: RedisServerOptions,
  ) {}

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    for (let attempt = 1; ; attempt++) {
      const directory = await temporaryDirectory();
      const server = new RedisServer(await freePort(), directory, options);
      try {
        await server.restart();
        return server;
      } catch (error) {
        await server[Symbol.asyncDispose]();
        if (attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** A client of the test's own, closed with the server. */
  get client(): Redis {
    if (!this.#client) {
      this.#client = new Redis(this.port, '127.0.0.1', { maxRetriesPerRequest: null });
      this.#client.on('error', () => undefined);
    }
    return this.#client;
  }

  /** SIGKILL by default: what was not written to disk is lost. Resolves when it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }

  /** It keeps its connections and answers nothing, until `resume`. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Starts it again on the same port and directory; resolves when it answers. */
  async restart(): Promise<void> {
    await this.kill();
    const { appendOnly = false, args = [] } = this.options;
    const child = spawn(
      'redis-server',
      [
        ...['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory.path],
        ...['--save', '', '--appendonly', appendOnly ? 'yes' : 'no', '--appendfsync', 'always'],
        ...args,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#child = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-4000);
      });
    const failed = once(child, 'error').then(([error]) => {
      said += String(error);
    });
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!said.includes('Ready to accept connections')) {
      await Promise.race([sleep(10), failed]);
      if (/ENOENT/.test(said))
        throw new Error('redis-server is not on PATH; "npm test" installs it, or says how');
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`redis-server did not start: ${said}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.disconnect();
    this.resume();
    await this.kill();
    await this.directory[Symbol.asyncDispose]();
  }
}
