import { notReady, overloaded } from '../errors.js';
import type { EmbedOptions } from './embedder.js';

interface Waiting {
  start: () => void;
  leave: (reason: unknown) => void;
}

const closed = () => notReady('this model is no longer in use');

/** Where texts wait for a worker: live before bulk, first come first served among equals. */
export class WaitingLine {
  readonly #live = new Set<Waiting>();
  readonly #bulk = new Set<Waiting>();
  #running = 0;
  #closed = false;
  #onIdle: (() => void)[] = [];

  /**
   * Live texts start while fewer than `workers * (1 + ahead)` run, so that a worker finds its next
   * text waiting; bulk ones only for a worker that is free, since live ones would wait behind them.
   */
  constructor(
    private readonly workers: number,
    private readonly limit: number,
    private readonly ahead = 0,
  ) {}

  /** Nothing runs and nothing waits. */
  get isIdle(): boolean {
    return this.#running === 0 && this.#live.size + this.#bulk.size === 0;
  }

  /** Runs `task` when its turn comes; rejects when the line is full or `signal` aborts before. */
  async run<T>(task: () => Promise<T>, options: EmbedOptions = {}): Promise<T> {
    const { signal, priority = 'live' } = options;
    signal?.throwIfAborted();
    if (this.#closed) throw closed();
    const mayStart = priority === 'live' ? this.#live.size === 0 : this.#waiting === 0;
    if (!mayStart || !this.#hasRoom(priority)) await this.#turn(priority, signal);
    else this.#running++;
    try {
      return await task();
    } finally {
      this.#running--;
      this.#advance();
    }
  }

  /** Resolves when nothing runs any more; what waits, and what comes later, is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of [...this.#live, ...this.#bulk]) waiting.leave(closed());
    if (this.#running > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  get #waiting(): number {
    return this.#live.size + this.#bulk.size;
  }

  #hasRoom(priority: 'live' | 'bulk'): boolean {
    const slots = priority === 'live' ? this.workers * (1 + this.ahead) : this.workers;
    return this.#running < slots && !this.#closed;
  }

  /** Resolves when this text may start, and counts as running from then on. */
  #turn(priority: 'live' | 'bulk', signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting >= this.limit) throw overloaded();
    const line = priority === 'live' ? this.#live : this.#bulk;
    return new Promise((resolve, reject) => {
      const aborted = () => waiting.leave(signal?.reason);
      const waiting: Waiting = {
        start: () => {
          signal?.removeEventListener('abort', aborted);
          resolve();
        },
        leave: (reason) => {
          line.delete(waiting);
          signal?.removeEventListener('abort', aborted);
          reject(reason);
        },
      };
      line.add(waiting);
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  #advance(): void {
    while (this.#startNext('live', this.#live) || this.#startNext('bulk', this.#bulk));
    if (this.#running === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #startNext(priority: 'live' | 'bulk', line: Set<Waiting>): boolean {
    const [next] = line;
    if (!next || !this.#hasRoom(priority)) return false;
    line.delete(next);
    this.#running++;
    next.start();
    return true;
  }
}
