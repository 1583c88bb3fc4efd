import { type ChildProcess, fork } from 'node:child_process';
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

  async train(request: TrainingRequest): Promise<StoredHead> {
    clearTimeout(this.#idle);
    const child = this.#running();
    let limit: NodeJS.Timeout | undefined;
    let ended: ((code: number | null, signal: string | null) => void) | undefined;
    try {
      const answer = await new Promise<TrainingAnswer>((resolve, reject) => {
        ended = (code, signal) =>
          reject(new Error(`the training process ended (${signal ?? `exit code ${code}`})`));
        child.once('exit', ended);
        child.once('error', reject);
        child.once('message', resolve);
        limit = setTimeout(() => {
          child.kill('SIGKILL');
          reject(new Error(`training took longer than ${TIMEOUT_MS / 1000} s`));
        }, TIMEOUT_MS);
        child.send(request, (error) => error && reject(error));
      });
      if (answer.error !== undefined) throw new Error(answer.error);
      return answer.head;
    } finally {
      clearTimeout(limit);
      child.removeAllListeners('message');
      child.removeAllListeners('error');
      if (ended) child.off('exit', ended);
      this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
    }
  }

  close(): void {
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
    child.channel?.unref();
    this.#child = child;
    return child;
  }
}
