import { type Dispatcher, errors } from 'undici';
import type { Backend } from '../backends/backend.js';
import { isUnreachable } from '../backends/unreachable.js';
import { brokeUnseen } from './backend-dispatcher.js';
import type { BackendFailure, BackendResponse } from './backend-response.js';
import { targetOf } from './target.js';

export interface OutgoingRequest {
  method: string;
  /** With the query. */
  path: string;
  headers: string[];
  body: Buffer | undefined;
  /** Milliseconds between bytes of the answer. */
  readMs: number;
  /** Aborts when the client is gone. */
  signal: AbortSignal;
}

const NOTHING: IteratorResult<Buffer, unknown> = { done: true, value: undefined };

/** A kept-alive connection that is closed as a request is written breaks at once, not after that. */
const UNSEEN_WITHIN_MS = 2000;

/** Sends a request to one backend and waits for the first byte of its answer. */
export async function attempt(
  dispatcher: Dispatcher,
  backend: Backend,
  request: OutgoingRequest,
): Promise<BackendResponse | BackendFailure> {
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  try {
    const { statusCode, headers, body } = await dispatcher.request({
      ...targetOf(backend, request.path),
      method: request.method as Dispatcher.HttpMethod,
      headers: request.headers,
      body: request.body ?? null,
      signal: request.signal,
      headersTimeout: request.readMs,
      bodyTimeout: request.readMs,
      responseHeaders: 'raw',
    });
    const chunks: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
    const response = {
      backend,
      status: statusCode,
      headers: headers as unknown as string[],
      body: chunks,
      first: NOTHING,
      elapsedMs: 0,
      discard: () => body.on('error', () => undefined).destroy(),
    };
    // An error's body says nothing about whether the backend works; it is read when it is relayed.
    if (statusCode < 400) response.first = await chunks.next();
    else response.first = { done: false, value: Buffer.alloc(0) };
    response.elapsedMs = elapsed();
    return response;
  } catch (error) {
    return { backend, error, kind: kindOf(error, elapsed()), elapsedMs: elapsed() };
  }
}

function kindOf(error: unknown, elapsedMs: number): BackendFailure['kind'] {
  if (isUnreachable(error)) return 'unreachable';
  if (brokeUnseen(error) && elapsedMs < UNSEEN_WITHIN_MS) return 'unseen';
  const timedOut =
    error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return timedOut ? 'timeout' : 'broken';
}
