import { ConfigError, type Logger } from '@switchyard/service-kit';
import { Piscina } from 'piscina';
import { overloaded } from '../errors.js';
import type { Embedder, Embedding, EmbedOptions } from './embedder.js';
import type { SentenceEncoderOptions } from './sentence-encoder.js';
import { WaitingLine } from './waiting-line.js';

export interface LocalEmbedderOptions extends SentenceEncoderOptions {
  modelName: string;
  modelDigest: string;
  workers: number;
  logger: Logger;
}

/** Texts waiting for a worker; at about 1 ms each the last of them waits two seconds. */
const MAX_QUEUED = 2048;
/** A text is embedded within milliseconds; a worker that takes this long hangs and is replaced. */
const TASK_TIMEOUT_MS = 30_000;

/**
 * Embeds in worker threads, one inference session of one thread each, so that a long text never
 * blocks the event loop. A worker that dies fails its own text only and is replaced.
 */
export class LocalEmbedder implements Embedder {
  readonly modelName: string;
  readonly modelDigest: string;
  readonly dimensions: number;
  readonly parallelism: number;
  readonly #pool: Piscina<string, Embedding>;
  readonly #line: WaitingLine;

  private constructor(
    { modelName, modelDigest, workers }: LocalEmbedderOptions,
    dimensions: number,
    pool: Piscina<string, Embedding>,
  ) {
    this.modelName = modelName;
    this.modelDigest = modelDigest;
    this.dimensions = dimensions;
    this.parallelism = workers;
    this.#pool = pool;
    this.#line = new WaitingLine(workers, MAX_QUEUED);
  }

  /** Resolves when every worker has its model loaded; ConfigError when the model cannot be used. */
  static async start(options: LocalEmbedderOptions): Promise<LocalEmbedder> {
    const { model, remote, dtype, maxTokens, workers, logger } = options;
    const pool = new Piscina<string, Embedding>({
      filename: new URL('./embedding-worker.js', import.meta.url).href,
      workerData: { model, remote, dtype, maxTokens } satisfies SentenceEncoderOptions,
      minThreads: workers,
      maxThreads: workers,
      // The model runs on a thread of onnxruntime; a worker that blocked between tasks would
      // keep its own event loop from delivering the result.
      atomics: 'async',
      recordTiming: false,
    });
    pool.on('error', (error) => logger.error({ err: error }, 'an idle embedding worker died'));
    try {
      const probes = Array.from({ length: workers }, () => pool.run('ready?'));
      const dimensions = (await Promise.all(probes))[0]?.vector.length ?? 0;
      return new LocalEmbedder(options, dimensions, pool);
    } catch (error) {
      await pool.destroy();
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConfigError([`MODEL: ${model} cannot be loaded: ${reason}`]);
    }
  }

  /** Rejects with 503 `overloaded` when too many texts wait. */
  async embed(text: string, options?: EmbedOptions): Promise<Embedding> {
    return this.#line.run(() => this.#run(text), options);
  }

  /** onnxruntime aborts the process when a thread ends in the middle of an inference. */
  async close(): Promise<void> {
    await this.#line.close();
    await this.#pool.destroy();
  }

  /** An abort kills the worker that runs the text: the pool is given the time-out and no other. */
  async #run(text: string): Promise<Embedding> {
    const signal = AbortSignal.timeout(TASK_TIMEOUT_MS);
    try {
      return await this.#pool.run(text, { signal });
    } catch (error) {
      throw signal.aborted ? overloaded() : error;
    }
  }
}
