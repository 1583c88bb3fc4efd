import type { HttpError } from '@switchyard/service-kit';
import { type Dispatcher, errors } from 'undici';
import type { Backend } from '../backends/backend.js';
import { backendError, backendTimeout } from '../errors.js';
import { attempt, type OutgoingRequest } from './attempt.js';
import { type BackendFailure, type BackendResponse, isRetryable } from './backend-response.js';
import type { BackendSearch, Found } from './backend-search.js';
import type { FailureLog } from './failure-log.js';

/** What came of trying: an answer to relay, or the error to show when there was none. */
export type Forwarded = { attempts: number; found: Found | undefined } & (
  | { answer: BackendResponse; error?: undefined }
  | { answer?: undefined; error: HttpError | undefined }
);

/**
 * Tries one backend after the other until one answers or the client is gone. The answer of a backend
 * that failed is given up only once there is another backend to try, so that the last one's own
 * error is what the client sees. The slots of the others are given back; that of the answer stays.
 */
export async function forward(
  search: BackendSearch,
  dispatcher: Dispatcher,
  requestFor: (backend: Backend) => OutgoingRequest,
  { gone, failures }: { gone: AbortSignal; failures: FailureLog },
): Promise<Forwarded> {
  let attempts = 0;
  let refused: { answer: BackendResponse; found: Found } | undefined;
  let failure: BackendFailure | undefined;
  let found = await search.next();
  for (let next: Found | undefined = found; next; next = await search.next()) {
    if (refused) {
      refused.answer.discard();
      refused.found.lease.release();
      refused = undefined;
    }
    if (gone.aborted) break;
    found = next;
    attempts++;
    const result = await attempt(dispatcher, found.backend, requestFor(found.backend));
    if (gone.aborted) {
      // What the backend did then says nothing about it.
      if ('status' in result) result.discard();
      return { attempts, found, error: undefined };
    }
    if ('status' in result) {
      failures.noteAnswer(result);
      if (!isRetryable(result)) return { attempts, found, answer: result };
      refused = { answer: result, found };
      failure = undefined;
    } else {
      failures.noteFailure(result);
      found.lease.release();
      failure = result;
    }
  }
  if (refused) return { attempts, ...refused };
  return { attempts, found, error: failure && errorOf(failure) };
}

function errorOf({ backend, kind, error }: BackendFailure): HttpError {
  const timedOut = kind === 'timeout' || error instanceof errors.ConnectTimeoutError;
  return timedOut ? backendTimeout(backend.id, error) : backendError(backend.id, error);
}
