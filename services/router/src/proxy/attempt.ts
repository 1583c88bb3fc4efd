import { type Dispatcher, errors } from 'undici';
import type { Backend } from '../backends/backend.js';
import { isUnreachable } from '../backends/unreachable.js';
import { Answer } from './answer.js';
import { brokeUnseen } from './backend-dispatcher.js';
import type { BackendFailure, BackendResponse } from './backend-response.js';
import type { Abortable } from './client-presence.js';
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
  signal: Abortable;
}

const NOTHING_YET: IteratorResult<Buffer, undefined> = { done: false, value: Buffer.alloc(0) };

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
    const answer = new Answer(request.signal);
    const { origin, path } = targetOf(backend, request.path);
    dispatcher.dispatch(
      {
        origin,
        path,
        method: request.method as Dispatcher.HttpMethod,
        headers: request.headers,
        body: request.body ?? null,
        headersTimeout: request.readMs,
        bodyTimeout: request.readMs,
      },
      answer,
    );
    await answer.begun;
    const { status, headers } = answer;
    const first = status < 400 ? (answer.takeNow() ?? (await answer.next())) : NOTHING_YET;
    const discard = () => answer.discard();
    return { backend, status, headers, body: answer, first, elapsedMs: elapsed(), discard };
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
