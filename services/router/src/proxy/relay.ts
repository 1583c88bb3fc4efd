import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { errors } from 'undici';
import { backendError, backendTimeout } from '../errors.js';
import type { BackendResponse } from './backend-response.js';
import { headerValue, responseHeaders } from './headers.js';

export type RelayOutcome = 'complete' | 'cut by backend' | 'client gone';

const NEWLINE = 0x0a;

/**
 * Sends a backend's answer on as it comes, byte for byte, no faster than the client reads.
 * When the backend breaks off, an event stream ends with an error event; anything else ends with
 * the connection, so that nobody takes a part for the whole.
 */
export async function relay(
  response: ServerResponse,
  answer: BackendResponse,
  own: Readonly<Record<string, string>>,
  stallMs: number,
): Promise<RelayOutcome> {
  response.writeHead(answer.status, responseHeaders(answer.headers, own));
  let last: Buffer | undefined;
  try {
    for (let part = answer.first; !part.done; part = await answer.body.next()) {
      if (part.value.length > 0) last = part.value;
      if (!response.write(part.value)) await drained(response, stallMs);
      if (response.destroyed) return 'client gone';
    }
  } catch (error) {
    if (response.destroyed) return 'client gone';
    breakOff(response, answer, last, error);
    return 'cut by backend';
  } finally {
    answer.discard();
  }
  response.end();
  return 'complete';
}

/** A client that does not read for this long is given up. */
async function drained(response: ServerResponse, stallMs: number): Promise<void> {
  const given = AbortSignal.timeout(stallMs);
  const closed = once(response, 'close', { signal: given });
  await Promise.race([once(response, 'drain', { signal: given }), closed]).catch(() =>
    response.destroy(),
  );
}

function breakOff(
  response: ServerResponse,
  answer: BackendResponse,
  last: Buffer | undefined,
  error: unknown,
): void {
  const isEventStream = /^text\/event-stream\b/i.test(
    headerValue(answer.headers, 'content-type') ?? '',
  );
  const hasLength = headerValue(answer.headers, 'content-length') !== undefined;
  if (!isEventStream || hasLength) {
    response.destroy();
    return;
  }
  const reason =
    error instanceof errors.BodyTimeoutError
      ? backendTimeout(answer.backend.id, error)
      : backendError(answer.backend.id, error);
  const body = {
    error: { ...reason.body.error, message: `backend ${answer.backend.id} broke off its answer` },
  };
  // Ends the event that was cut, if one was; an error event of its own follows.
  const separator = endsEvent(last) ? '' : '\n\n';
  response.end(`${separator}data: ${JSON.stringify(body)}\n\n`, () =>
    response.socket?.destroySoon(),
  );
}

const endsEvent = (chunk: Buffer | undefined) =>
  chunk === undefined || (chunk.at(-1) === NEWLINE && chunk.at(-2) === NEWLINE);
