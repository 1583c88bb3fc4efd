import { notReady, overloaded } from '../errors.js';
import type { EmbedOptions } from './embedder.js';

interface Waiting {
  start: () => void;
  leave: (reason: unknown) => void;
}

const closed = () => notReady('this model is no longer in use');

/** Where texts wait for a worker, first come first served. */
export class WaitingLine {
  readonly #waiting = new Set<Waiting>();
  #running = 0;
  #closed = false;
  #onIdle: (() => void)[] = [];

  /**
   * Texts start while fewer than `workers * (1 + ahead)` run, so that a worker finds its next text
   * waiting.
   */
  constructor(
    private readonly workers: number,
    private readonly limit: number,
    private readonly ahead = 0,
  ) {}

  /** Nothing runs and nothing waits. */
  get isIdle(): boolean {
    return this.#running === 0 && this.#waiting.size === 0;
  }

  /** Runs `task` when its turn comes; rejects when the line is full or `signal` aborts before. */
  async run<T>(task: () => Promise<T>, { signal }: Pick<EmbedOptions, 'signal'> = {}): Promise<T> {
    signal?.throwIfAborted();
    if (this.#closed) throw closed();
    if (this.#waiting.size > 0 || !this.#hasRoom) await this.#turn(signal);
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
    for (const waiting of [...this.#waiting]) waiting.leave(closed());
    if (this.#running > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  get #hasRoom(): boolean {
    return this.#running < this.workers * (1 + this.ahead) && !this.#closed;
  }

  /** Resolves when this text may start, and counts as running from then on. */
  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= this.limit) throw overloaded();
    return new Promise((resolve, reject) => {
      const aborted = () => waiting.leave(signal?.reason);
      const waiting: Waiting = {
        start: () => {
          signal?.removeEventListener('abort', aborted);
          resolve();
        },
        leave: (reason) => {
          this.#waiting.delete(waiting);
          signal?.removeEventListener('abort', aborted);
          reject(reason);
        },
      };
      this.#waiting.add(waiting);
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  #advance(): void {
    for (const next of this.#waiting) {
      if (!this.#hasRoom) break;
      this.#waiting.delete(next);
      this.#running++;
      next.start();
    }
    if (this.#running === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }
}
