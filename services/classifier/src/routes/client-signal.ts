import type { ServerResponse } from 'node:http';

/** Aborts when the client leaves before it has its answer. */
export function clientSignal(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) left.abort();
  });
  return left.signal;
}
