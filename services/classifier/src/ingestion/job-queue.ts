import type { ExemplarLine, Job, OnConflict } from '@switchyard/contracts';

/** One line of an import, 1-based; `problem` says why it is not an exemplar. */
export type ImportLine = { line: number } & (
  | { exemplar: ExemplarLine; problem?: undefined }
  | { problem: string }
);

/** What one chunk of a job came to; sums over all chunks make the job's report. */
export interface ChunkResult {
  done: number;
  added: number;
  duplicates: number;
  failed: { line: number; error: string }[];
  /** Of the exemplars, with the chunk in them. */
  version: number;
}

/**
 * Adds a chunk of lines. Running it twice under the same key adds nothing twice, and the second
 * time it comes to the same as the first, also where that was cut off.
 */
export type ChunkHandler = (
  lines: readonly ImportLine[],
  onConflict: OnConflict,
  key: string,
) => Promise<ChunkResult>;

/** What becomes of the lines of a job. */
export interface Ingestion {
  handle: ChunkHandler;
  /** Resolves when the scoring trained on the exemplars of `version` is serving. */
  settled(version: number, signal: AbortSignal): Promise<void>;
}

/** Lines are handed over in chunks of this many: one change of the store each. */
export const CHUNK_LINES = 64;

/** Jobs that wait or run, those still being uploaded included. */
export const MAX_WAITING = 100;

/** Runs bulk loads outside of the request that brought them. */
export interface JobQueue {
  /**
   * Takes over the NDJSON bytes of an import. Resolves once an accepted job survives a crash;
   * rejects, keeping nothing, when the bytes end early or there is no room.
   */
  submit(ndjson: AsyncIterable<Uint8Array>, onConflict: OnConflict): Promise<Job>;
  get(id: string): Promise<Job | undefined>;
  /**
   * Calls back with the job as it is, and after every change; returns the function that stops it.
   * For a job that is unknown nothing is ever called.
   */
  watch(id: string, onUpdate: (job: Job) => void): () => void;
  close(): Promise<void>;
}
