import { ConfigError, type Logger } from '@switchyard/service-kit';
import type { Embedder, Embedding, EmbedOptions } from './embedder.js';
import { EncoderThread } from './encoder-thread.js';
import { EncoderThreads } from './encoder-threads.js';
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

/**
 * Embeds in worker threads, one inference session of one thread each, so that a long text never
 * blocks the event loop; a short live one that comes alone, on the main thread.
 */
export class LocalEmbedder implements Embedder {
  readonly modelName: string;
  readonly modelDigest: string;
  readonly dimensions: number;
  readonly parallelism: number;
  readonly #line: WaitingLine;

  private constructor(
    { modelName, modelDigest, workers }: LocalEmbedderOptions,
    private readonly threads: EncoderThreads,
    private readonly here: SentenceModel,
  ) {
    this.modelName = modelName;
    this.modelDigest = modelDigest;
    this.dimensions = threads.dimensions;
    this.parallelism = workers;
    this.#line = new WaitingLine(workers, MAX_QUEUED, AHEAD);
  }

  /** Resolves when every worker has its model loaded; ConfigError when the model cannot be used. */
  static async start(options: LocalEmbedderOptions): Promise<LocalEmbedder> {
    const { model, remote, dtype, maxTokens, workers, logger } = options;
    const encoder: SentenceEncoderOptions = { model, remote, dtype, maxTokens };
    try {
      const here = await loadSentenceModel(encoder);
      await here.infer(here.tokenize('warm up'));
      const startOne = () => EncoderThread.start(encoder);
      const threads = await EncoderThreads.start(workers, startOne, logger);
      return new LocalEmbedder(options, threads, here);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConfigError([`MODEL: ${model} cannot be loaded: ${reason}`]);
    }
  }

  /** Rejects with 503 `overloaded` when too many texts wait. */
  async embed(text: string, options: EmbedOptions = {}): Promise<Embedding> {
    const tokens = this.#line.isIdle ? this.#shortAndLive(text, options) : undefined;
    const task = tokens ? () => this.here.infer(tokens) : () => this.threads.encode(text);
    return this.#line.run(task, options);
  }

  async close(): Promise<void> {
    await this.#line.close();
    await this.threads.close();
  }

  #shortAndLive(text: string, { priority }: EmbedOptions): readonly number[] | undefined {
    if (priority === 'bulk' || text.length > CHARACTERS_HERE) return undefined;
    const tokens = this.here.tokenize(text);
    return tokens.length <= TOKENS_HERE ? tokens : undefined;
  }
}
