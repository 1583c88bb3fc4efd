import type { Embedding } from './embedder.js';
import type { EncoderThreads } from './encoder-threads.js';

/** Threads that are started for the first text, and end when there was none for `idleMs`. */
export class PassingThreads {
  #threads: Promise<EncoderThreads> | undefined;
  #running = 0;
  #idle: NodeJS.Timeout | undefined;
  #ending: Promise<void> = Promise.resolve();

  constructor(
    private readonly start: () => Promise<EncoderThreads>,
    private readonly idleMs: number,
  ) {}

  /** Rejects when the threads cannot be started, and with what their `encode` rejects with. */
  async encode(text: string): Promise<Embedding> {
    clearTimeout(this.#idle);
    this.#running++;
    try {
      this.#threads ??= this.start();
      return await (await this.#started(this.#threads)).encode(text);
    } finally {
      if (--this.#running === 0)
        this.#idle = setTimeout(() => void this.close(), this.idleMs).unref();
    }
  }

  /** Ends the threads, of which none may have anything to do. */
  close(): Promise<void> {
    clearTimeout(this.#idle);
    const threads = this.#threads;
    this.#threads = undefined;
    const end = async () => (await threads?.catch(() => undefined))?.close();
    this.#ending = this.#ending.then(end);
    return this.#ending;
  }

  /** Those that could not be started are tried again for the next text. */
  async #started(threads: Promise<EncoderThreads>): Promise<EncoderThreads> {
    try {
      return await threads;
    } catch (error) {
      if (this.#threads === threads) this.#threads = undefined;
      throw error;
    }
  }
}
