import type { Logger } from '@switchyard/service-kit';
import { overloaded } from '../errors.js';
import type { Embedding } from './embedder.js';
import type { EncoderThread } from './encoder-thread.js';

/** A text is embedded within milliseconds; a thread that takes so many seconds is replaced. */
const PATIENCE_S = 30;

/** Threads that embed. One that dies fails the texts it had and is replaced. */
export class EncoderThreads {
  #closed = false;
  #replacing: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly threads: EncoderThread[],
    private readonly startOne: () => Promise<EncoderThread>,
    private readonly logger: Logger,
  ) {}

  /** Resolves when every thread has its model loaded. */
  static async start(
    count: number,
    startOne: () => Promise<EncoderThread>,
    logger: Logger,
  ): Promise<EncoderThreads> {
    const starts = Array.from({ length: count }, startOne);
    const started = await Promise.allSettled(starts);
    const threads = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = started.find((one) => one.status === 'rejected');
    if (!failed) return new EncoderThreads(threads, startOne, logger);
    await Promise.all(threads.map((thread) => thread.close()));
    throw failed.reason;
  }

  get dimensions(): number {
    return this.threads[0]?.dimensions ?? 0;
  }

  /** By the thread with the least to do. Rejects with 503 `overloaded` after the time-out. */
  async encode(text: string): Promise<Embedding> {
    const thread = await this.#leastLoaded();
    let seconds = 0;
    let ticks: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      // Seconds in which this process ran: after a pause of any length its threads have done nothing.
      ticks = setInterval(() => {
        if (++seconds < PATIENCE_S) return;
        reject(overloaded());
        thread.retire();
      }, 1000);
    });
    try {
      return await Promise.race([thread.encode(text), late]);
    } finally {
      clearInterval(ticks);
    }
  }

  /** onnxruntime aborts the process when a thread ends in the middle of an inference. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#replacing;
    await Promise.all(this.threads.map((thread) => thread.close()));
  }

  async #leastLoaded(): Promise<EncoderThread> {
    if (this.threads.some(({ isAlive }) => !isAlive)) {
      this.#replacing = this.#replacing.then(() => this.#replaceDead());
      if (!this.threads.some(({ isAlive }) => isAlive)) await this.#replacing;
    }
    const alive = this.threads.filter(({ isAlive }) => isAlive).sort((a, b) => a.load - b.load);
    if (!alive[0]) throw overloaded();
    return alive[0];
  }

  async #replaceDead(): Promise<void> {
    for (const [position, { isAlive }] of this.threads.entries()) {
      if (isAlive || this.#closed) continue;
      this.logger.error('an embedding thread died and is replaced');
      try {
        this.threads[position] = await this.startOne();
      } catch (error) {
        this.logger.error({ err: error }, 'an embedding thread could not be replaced');
      }
    }
  }
}
