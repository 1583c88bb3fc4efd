import type { ServerResponse } from 'node:http';
import { errors } from 'undici';
import { backendError, backendTimeout } from '../errors.js';
import type { BackendResponse } from './backend-response.js';
import type { Abortable } from './client-presence.js';
import { headerValue, isEventStream, responseHeaders } from './headers.js';

export interface RelayEnd {
  outcome: 'complete' | 'cut by backend' | 'client gone';
  /** What cut it. */
  error?: unknown;
}

export interface Reader {
  /** Aborts when the client is gone. */
  gone: Abortable;
  /** A client that does not read for this long is given up. */
  stallMs: number;
  /** Sees every chunk of the answer that is sent on. */
  passed?: ((chunk: Buffer) => void) | undefined;
}

const NEWLINE = 0x0a;

/**
 * Sends a backend's answer on as it comes, byte for byte, no faster than the client reads.
 * When the backend breaks off, an event stream ends with an error event, and properly, so that the
 * client may send its next request on the same connection; anything else ends with the connection,
 * so that nobody takes a part for the whole.
 */
export async function relay(
  response: ServerResponse,
  answer: BackendResponse,
  own: Readonly<Record<string, string>>,
  reader: Reader,
): Promise<RelayEnd> {
  const { gone } = reader;
  let last: Buffer | undefined;
  try {
    response.writeHead(answer.status, responseHeaders(answer.headers, own));
    let part = answer.first;
    while (!part.done) {
      const { value } = part;
      const next = answer.body.takeNow?.();
      if (value.length > 0) last = value;
      reader.passed?.(value);
      if (next?.done) {
        endWith(response, value);
        return { outcome: 'complete' };
      }
      if (!response.write(value)) await drained(response, reader);
      if (gone.aborted) return { outcome: 'client gone' };
      part = next ?? (await answer.body.next());
    }
  } catch (error) {
    if (gone.aborted) return { outcome: 'client gone' };
    if (!response.headersSent) throw error;
    breakOff(response, answer, last, error);
    return { outcome: 'cut by backend', error };
  } finally {
    answer.discard();
  }
  response.end();
  return { outcome: 'complete' };
}

/** Copying so few bytes costs less than a second buffer in the write. */
const COPIED_BYTES = 16 * 1024;

/** What is short goes with the head, or with the end of a chunked answer, in one string. */
function endWith(response: ServerResponse, last: Buffer): void {
  if (last.length > COPIED_BYTES) response.end(last);
  else response.end(last.toString('latin1'), 'latin1');
}

/** Resolves when the client has read what was sent, or is gone. */
function drained(response: ServerResponse, { gone, stallMs }: Reader): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(stall);
      response.off('drain', done);
      gone.removeEventListener('abort', done);
      resolve();
    };
    const stall = setTimeout(() => response.req.socket.destroy(), stallMs);
    response.once('drain', done);
    gone.addEventListener('abort', done);
    if (gone.aborted) done();
  });
}

function breakOff(
  response: ServerResponse,
  answer: BackendResponse,
  last: Buffer | undefined,
  error: unknown,
): void {
  // Nothing can be added to what has a length or is compressed.
  const isClosed = ['content-length', 'content-encoding'].some(
    (name) => headerValue(answer.headers, name) !== undefined,
  );
  if (!isEventStream(answer.headers) || isClosed) {
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
  response.end(`${separator}data: ${JSON.stringify(body)}\n\n`);
}

const endsEvent = (chunk: Buffer | undefined) =>
  chunk === undefined || (chunk.at(-1) === NEWLINE && chunk.at(-2) === NEWLINE);
