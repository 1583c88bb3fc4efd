import { ConfigError, type Logger } from '@switchyard/service-kit';
import type { Embedder, Embedding, EmbedOptions } from './embedder.js';
import { EncoderThread } from './encoder-thread.js';
import { EncoderThreads } from './encoder-threads.js';
import { PassingThreads } from './passing-threads.js';
import {
  loadSentenceModel,
  type SentenceEncoderOptions,
  type SentenceModel,
} from './sentence-encoder.js';
import { WaitingLine } from './waiting-line.js';

export interface LocalEmbedderOptions extends SentenceEncoderOptions {
  modelName: string;
  modelDigest: string;
  workers: number;
  logger: Logger;
}

/** Texts waiting for a worker; at about 1 ms each the last of them waits two seconds. */
const MAX_QUEUED = 2048;
/** Texts in the inbox of a worker beside the one it is at. */
const AHEAD = 1;
/**
 * A text of up to this many tokens may be embedded on the main thread: it blocks the event loop for
 * 1.5 ms at most, and a short prompt saves the two wake-ups of a thread, a fifth of its time.
 */
const TOKENS_HERE = 32;
/** Longer ones are not even counted here; 32 tokens are about 130 characters of English. */
const CHARACTERS_HERE = 200;
/** Without a bulk text for so long, the threads for them end; each takes some 60 MB. */
const BULK_IDLE_MS = 10_000;

/**
 * Embeds in worker threads, one inference session of one thread each, so that a long text never
 * blocks the event loop; a short live one that comes alone, on the main thread. Bulk texts have
 * threads of their own, in the background: prompts do not wait for an import, be it of this process
 * or of another on the machine.
 */
export class LocalEmbedder implements Embedder {
  readonly modelName: string;
  readonly modelDigest: string;
  readonly dimensions: number;
  readonly parallelism: number;
  readonly #line: WaitingLine;
  readonly #bulkLine: WaitingLine;

  private constructor(
    { modelName, modelDigest, workers }: LocalEmbedderOptions,
    private readonly threads: EncoderThreads,
    private readonly bulk: PassingThreads,
    private readonly here: SentenceModel,
  ) {
    this.modelName = modelName;
    this.modelDigest = modelDigest;
    this.dimensions = threads.dimensions;
    this.parallelism = workers;
    this.#line = new WaitingLine(workers, MAX_QUEUED, AHEAD);
    this.#bulkLine = new WaitingLine(workers, MAX_QUEUED);
  }

  /** Resolves when every worker has its model loaded; ConfigError when the model cannot be used. */
  static async start(options: LocalEmbedderOptions): Promise<LocalEmbedder> {
    const { model, remote, dtype, maxTokens, workers, logger } = options;
    const encoder: SentenceEncoderOptions = { model, remote, dtype, maxTokens };
    try {
      const here = await loadSentenceModel(encoder);
      await here.infer(here.tokenize('warm up'));
      const start = (background: boolean) =>
        EncoderThreads.start(
          workers,
          () => EncoderThread.start({ ...encoder, background }),
          logger,
        );
      const bulk = new PassingThreads(() => start(true), BULK_IDLE_MS);
      return new LocalEmbedder(options, await start(false), bulk, here);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConfigError([`MODEL: ${model} cannot be loaded: ${reason}`]);
    }
  }

  /** Rejects with 503 `overloaded` when too many texts wait. */
  async embed(text: string, options: EmbedOptions = {}): Promise<Embedding> {
    if (options.priority === 'bulk')
      return this.#bulkLine.run(() => this.bulk.encode(text), options);
    const tokens = this.#line.isIdle ? this.#short(text) : undefined;
    const task = tokens ? () => this.here.infer(tokens) : () => this.threads.encode(text);
    return this.#line.run(task, options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#line.close(), this.#bulkLine.close()]);
    await Promise.all([this.threads.close(), this.bulk.close()]);
  }

  #short(text: string): readonly number[] | undefined {
    if (text.length > CHARACTERS_HERE) return undefined;
    const tokens = this.here.tokenize(text);
    return tokens.length <= TOKENS_HERE ? tokens : undefined;
  }
}
