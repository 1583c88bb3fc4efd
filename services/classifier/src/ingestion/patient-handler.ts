import { setTimeout as sleep } from 'node:timers/promises';
import { HttpError, type Logger } from '@switchyard/service-kit';
import type { ChunkHandler } from './job-queue.js';

const PAUSE_MS = 250;
/** A worker thread that died is replaced within the pauses; what fails three times will again. */
const ATTEMPTS = 3;

/**
 * Tries a chunk that finds the embedder overloaded until it gets through, since live prompts go
 * first, and one that met an accident ATTEMPTS times. What was refused is not tried again. Rejects
 * when `closing` aborts between two attempts.
 */
export function patient(handle: ChunkHandler, closing: AbortSignal, logger: Logger): ChunkHandler {
  return async (lines, onConflict, key) => {
    let accidents = 0;
    for (;;) {
      try {
        return await handle(lines, onConflict, key);
      } catch (error) {
        if (error instanceof HttpError && error.status !== 503) throw error;
        if (!(error instanceof HttpError)) {
          if (++accidents === ATTEMPTS) throw error;
          logger.warn({ err: error, line: lines[0]?.line }, 'import chunk failed, trying again');
        }
        await sleep(PAUSE_MS, undefined, { signal: closing });
      }
    }
  };
}
