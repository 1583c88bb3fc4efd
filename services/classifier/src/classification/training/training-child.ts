import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { QualityReport } from '@switchyard/contracts';
import type { CorpusSource } from '../../exemplars/corpus.js';
import type { StoredHead } from '../../exemplars/stored-head.js';
import { threadFile } from '../../thread-file.js';
import type { About } from './about.js';

export interface TrainingRequest {
  source: CorpusSource;
  modelDigest: string;
  dimensions: number;
  about: ReadonlyMap<string, About>;
  before: QualityReport | undefined;
}

export type TrainingAnswer = { head: StoredHead; error?: undefined } | { error: string };

/** A process that has nothing to do gives its memory back after this long. */
const IDLE_MS = 30_000;
/** 100,000 exemplars of 1000 intents take minutes; what takes longer hangs. */
const TIMEOUT_MS = 3_600_000;

/**
 * Trains in a process of its own: with low priority, on memory that goes with it, and so that no
 * fault of it reaches requests. One training at a time.
 */
export class TrainingChild {
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  /** Rejects when training fails, when the process ends first, and after `close`. */
  async train(request: TrainingRequest): Promise<StoredHead> {
    if (this.#closed) throw new Error('the classifier is stopping');
    clearTimeout(this.#idle);
    const child = this.#running();
    const done = new AbortController();
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const answer = await new Promise<TrainingAnswer>((resolve, reject) => {
        const { signal } = done;
        once(child, 'message', { signal }).then(([message]) => resolve(message), reject);
        once(child, 'exit', { signal }).then(([code, killed]) => {
          reject(new Error(`the training process ended (${killed ?? `exit code ${code}`})`));
        }, reject);
        limit.onabort = () => {
          child.kill('SIGKILL');
          reject(new Error(`training took longer than ${TIMEOUT_MS / 1000} s`));
        };
        child.send(request, (error) => error && reject(error));
      });
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.head;
    } finally {
      done.abort();
      limit.onabort = null;
      if (!this.#closed) this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
    }
  }

  /** Ends what is under way; the next training starts another process. */
  interrupt(): void {
    this.#end();
  }

  /** Ends what is under way; there is no training after it. */
  close(): void {
    this.#closed = true;
    this.#end();
  }

  #end(): void {
    clearTimeout(this.#idle);
    this.#child?.kill();
    this.#child = undefined;
  }

  #running(): ChildProcess {
    if (this.#child?.connected && this.#child.exitCode === null) return this.#child;
    const file = threadFile('./training-process.js', import.meta.url);
    const child = fork(file, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
    });
    // A training that nobody waits for keeps no process alive.
    child.unref();
    // Failures reach whoever waits; one that nobody waits for ends nothing.
    child.on('error', () => undefined);
    child.channel?.unref();
    this.#child = child;
    return child;
  }
}
