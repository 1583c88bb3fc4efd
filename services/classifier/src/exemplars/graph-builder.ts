import { Worker } from 'node:worker_threads';
import { threadFile } from '../thread-file.js';

export interface BuildStart {
  dimensions: number;
  capacity: number;
}

export type BuildRequest =
  | { rows: Uint32Array; blocks: readonly SharedArrayBuffer[] }
  | { saveTo: string };

export interface BuildAnswer {
  error?: string;
}

/** Builds a graph in a thread of its own. */
export class GraphBuilder {
  readonly #worker: Worker;
  readonly #ended: Promise<never>;

  constructor(start: BuildStart) {
    this.#worker = new Worker(threadFile('./graph-building-worker.js', import.meta.url), {
      workerData: start,
    });
    // An index that is being built keeps no process alive.
    this.#worker.unref();
    this.#ended = new Promise((_, reject) => {
      this.#worker.once('error', reject);
      this.#worker.once('exit', () => reject(new Error('the thread that builds the graph ended')));
    });
    this.#ended.catch(() => undefined);
  }

  /** Adds rows, whose vectors must not change until it resolves. */
  async add(rows: readonly number[], blocks: readonly SharedArrayBuffer[]): Promise<void> {
    await this.#ask({ rows: Uint32Array.from(rows), blocks });
  }

  async save(path: string): Promise<void> {
    await this.#ask({ saveTo: path });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  /** One request at a time. */
  async #ask(request: BuildRequest): Promise<void> {
    const answered = new Promise<BuildAnswer>((resolve) => this.#worker.once('message', resolve));
    this.#worker.postMessage(request);
    const { error } = await Promise.race([answered, this.#ended]);
    if (error) throw new Error(error);
  }
}
