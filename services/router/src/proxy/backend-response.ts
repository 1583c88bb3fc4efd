import type { Backend } from '../backends/backend.js';

export interface AnswerBody extends AsyncIterator<Buffer> {
  /** What is here already; undefined: it must be waited for. */
  takeNow?(): IteratorResult<Buffer, undefined> | undefined;
}

/** An answer that has begun; nothing of it has been sent to the client yet. */
export interface BackendResponse {
  backend: Backend;
  status: number;
  /** Flat list of names and values. */
  headers: readonly string[];
  /** Everything after `first`; must be read to its end or destroyed. */
  body: AnswerBody;
  /** Taken before committing to this backend: until it is there, another one can still be tried. */
  first: IteratorResult<Buffer, unknown>;
  /** From sending the request to `first`. */
  elapsedMs: number;
  /** Stops reading; the connection is given up when the body was not at its end. */
  discard(): void;
}

/**
 * No answer: never connected, met a kept-alive connection as it was closed, so that the backend has
 * not seen the request, broke off, or took too long.
 */
export interface BackendFailure {
  backend: Backend;
  kind: 'unreachable' | 'unseen' | 'broken' | 'timeout';
  error: unknown;
  elapsedMs: number;
}

export type Outcome = BackendResponse | BackendFailure;

export const isResponse = (outcome: Outcome): outcome is BackendResponse => 'status' in outcome;

/** Statuses with which a backend says that it cannot now; another one may. */
const RETRYABLE = new Set([429, 500, 502, 503]);

/** Those that say something is wrong with it: a full one (429) is well, and 501 is about the request. */
const BROKEN = new Set([500, 502, 503, 504]);

export const isRetryable = ({ status }: BackendResponse): boolean => RETRYABLE.has(status);

/** An answer that the client should see, whoever else could be asked. */
export const isFinal = (outcome: Outcome): outcome is BackendResponse =>
  isResponse(outcome) && !isRetryable(outcome);

export const isBroken = ({ status }: BackendResponse): boolean => BROKEN.has(status);
