import type { Job } from '@switchyard/contracts';
import type { ChunkHandler, ChunkResult, Ingestion } from '../job-queue.js';

/** NDJSON of exemplars; every hundredth line is none. */
export async function* ndjson(lines: number, name = 'text'): AsyncGenerator<Uint8Array> {
  for (let n = 1; n <= lines; n++)
    yield Buffer.from(n % 100 === 0 ? 'bad\n' : `{"intent":"a","text":"${name} ${n}"}\n`);
}

/** Nobody waits for what these chunks teach. */
export const trainedAtOnce = (handle: ChunkHandler): Ingestion => ({
  handle,
  settled: async () => {},
});

/**
 * Adds to a set, and what is done again under a key comes to the same, as in the store; `open`
 * chunks pass at once, the others wait for `release`.
 */
export class Gate {
  readonly texts = new Set<string>();
  handled = 0;
  version = 0;
  readonly #results = new Map<string, ChunkResult>();
  #waiting: (() => void)[] = [];
  #failing: ((reason: Error) => void)[] = [];

  constructor(private open = Number.POSITIVE_INFINITY) {}

  /** Those that wait come to nothing. */
  fail(): void {
    for (const end of this.#failing) end(new Error('it was cut off'));
  }

  release(): void {
    this.open = Number.POSITIVE_INFINITY;
    for (const go of this.#waiting) go();
  }

  readonly handle: ChunkHandler = async (lines, _onConflict, key) => {
    if (this.open-- <= 0)
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push(resolve);
        this.#failing.push(reject);
      });
    const before = this.#results.get(key);
    if (before) return before;
    const failed: Job['failed'] = [];
    const version = ++this.version;
    const result = { done: lines.length, added: 0, duplicates: 0, failed, version };
    for (const line of lines) {
      if (line.problem !== undefined) result.failed.push({ line: line.line, error: line.problem });
      else if (this.texts.has(line.exemplar.text)) result.duplicates++;
      else {
        this.texts.add(line.exemplar.text);
        result.added++;
      }
    }
    this.#results.set(key, result);
    this.handled++;
    return result;
  };
}
