import PQueue from 'p-queue';
import { overloaded } from '../errors.js';
import type { EmbedOptions } from './embedder.js';

const RANK = { live: 1, bulk: 0 };

/** Where texts wait for a worker: live before bulk, first come first served among equals. */
export class WaitingLine {
  readonly #queue: PQueue;

  constructor(
    workers: number,
    private readonly limit: number,
  ) {
    this.#queue = new PQueue({ concurrency: workers });
  }

  /** Runs `task` when its turn comes; rejects when the line is full or `signal` aborts before. */
  async run<T>(task: () => Promise<T>, options: EmbedOptions = {}): Promise<T> {
    const { signal, priority = 'live' } = options;
    if (this.#queue.size >= this.limit) throw overloaded();
    signal?.throwIfAborted();
    const rank = { priority: RANK[priority] };
    if (!signal || this.#queue.pending < this.#queue.concurrency)
      return this.#queue.add(task, rank);
    // p-queue gives up the place of an aborted task that runs, too; but its worker is not free yet.
    const waiting = new AbortController();
    const leave = () => waiting.abort(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    const start = () => {
      signal.removeEventListener('abort', leave);
      return task();
    };
    return this.#queue.add(start, { ...rank, signal: waiting.signal });
  }

  /** Resolves when nothing runs any more; what still waits never will. */
  async close(): Promise<void> {
    this.#queue.pause();
    await this.#queue.onPendingZero();
  }
}
