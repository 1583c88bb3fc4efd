import type { Backend } from '../backends/backend.js';
import type { Lease } from '../connections/connection-ledger.js';

/** An answer that has begun; nothing of it has been sent to the client yet. */
export interface BackendResponse {
  backend: Backend;
  lease: Lease;
  status: number;
  /** Flat list of names and values. */
  headers: readonly string[];
  /** Everything after `first`; must be read to its end or destroyed. */
  body: AsyncIterator<Buffer>;
  /** Taken before committing to this backend: until it is there, another one can still be tried. */
  first: IteratorResult<Buffer, unknown>;
  /** Stops reading; the connection is given up when the body was not at its end. */
  discard(): void;
}

/** No answer: never connected, broke off, or took too long. */
export interface BackendFailure {
  backend: Backend;
  kind: 'unreachable' | 'broken' | 'timeout';
  error: unknown;
}

/** Statuses of a backend that another one may do better (RFC 9110): the request was not served. */
const RETRYABLE = new Set([429, 500, 502, 503]);

export const isRetryable = ({ status }: BackendResponse): boolean => RETRYABLE.has(status);
