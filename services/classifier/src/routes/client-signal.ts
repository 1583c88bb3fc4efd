import type { Response } from 'express';

/** Aborts when the client leaves before it has its answer. */
export function clientSignal(response: Response): AbortSignal {
  const left = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) left.abort();
  });
  return left.signal;
}
