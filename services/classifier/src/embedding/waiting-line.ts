import { overloaded } from '../errors.js';
import type { EmbedOptions } from './embedder.js';

interface Waiting {
  start: () => void;
  leave: () => void;
  signal: AbortSignal | undefined;
}

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

  /** Resolves when nothing runs any more; what still waits never will. */
  async close(): Promise<void> {
    this.#closed = true;
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
      const waiting: Waiting = {
        start: resolve,
        leave: () => {
          line.delete(waiting);
          reject(signal?.reason);
        },
        signal,
      };
      line.add(waiting);
      signal?.addEventListener('abort', waiting.leave, { once: true });
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
    next.signal?.removeEventListener('abort', next.leave);
    this.#running++;
    next.start();
    return true;
  }
}
