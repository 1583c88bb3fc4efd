import type { HttpError } from '@switchyard/service-kit';
import type { Dispatcher } from 'undici';
import type { Backend } from '../backends/backend.js';
import { isUnreachable } from '../backends/unreachable.js';
import { backendError, backendTimeout } from '../errors.js';
import { attempt, type OutgoingRequest } from './attempt.js';
import { type BackendFailure, type BackendResponse, isRetryable } from './backend-response.js';
import type { BackendSearch, Found } from './backend-search.js';
import type { RelayOutcome } from './relay.js';

/** What came of trying: an answer to relay, or the error to show when there was none. */
export type Forwarded = { attempts: number; found: Found | undefined } & (
  | { answer: BackendResponse; error?: undefined }
  | { answer?: undefined; error: HttpError | undefined }
);

/**
 * Tries one backend after the other until one answers or the client is gone. Its lease stays with
 * the answer. The answer of a backend that failed is given up only once there is another backend to
 * try, so that the last one's own error is what the client sees.
 */
export async function forward(
  search: BackendSearch,
  dispatcher: Dispatcher,
  requestFor: (backend: Backend) => OutgoingRequest,
  { gone, onFailure }: { gone: AbortSignal; onFailure: (backend: Backend) => void },
): Promise<Forwarded> {
  let attempts = 0;
  let refused: { answer: BackendResponse; found: Found } | undefined;
  let failure: BackendFailure | undefined;
  let found = await search.next();
  for (let next: Found | undefined = found; next; next = await search.next()) {
    if (refused) giveUp(refused.answer);
    refused = undefined;
    if (gone.aborted) break;
    found = next;
    attempts++;
    const request = requestFor(found.backend);
    const result = await attempt(dispatcher, found.backend, found.lease, request);
    if (gone.aborted) {
      // What the backend did then says nothing about it.
      if ('status' in result) result.discard();
      return { attempts, found, error: undefined };
    }
    if ('status' in result) {
      noteAnswer(result, onFailure);
      if (!isRetryable(result)) return { attempts, found, answer: result };
      refused = { answer: result, found };
      failure = undefined;
    } else {
      noteFailure(result, onFailure);
      found.lease.release();
      failure = result;
    }
  }
  if (refused) return { attempts, ...refused };
  return { attempts, found, error: failure && errorOf(failure) };
}

function giveUp(answer: BackendResponse): void {
  answer.discard();
  answer.lease.release();
}

/** A full backend (429) is not a broken one. */
function noteAnswer(answer: BackendResponse, onFailure: (backend: Backend) => void): void {
  const { backend, status } = answer;
  backend.requests++;
  if (status >= 500) noteBroken(backend, onFailure);
}

/** An answer is a success when it did not break off; only then do the failures before it end. */
export function noteEnd(
  { backend, status }: BackendResponse,
  outcome: RelayOutcome,
  onFailure: (backend: Backend) => void,
): void {
  if (outcome === 'cut by backend') noteBroken(backend, onFailure);
  else if (status < 500) backend.health.succeeded();
}

function noteFailure({ backend, error }: BackendFailure, onFailure: (b: Backend) => void): void {
  backend.requests++;
  if (isUnreachable(error)) {
    backend.health.unreachable();
    backend.failures++;
    onFailure(backend);
  } else noteBroken(backend, onFailure);
}

function noteBroken(backend: Backend, onFailure: (backend: Backend) => void): void {
  backend.failures++;
  backend.health.failed();
  onFailure(backend);
}

function errorOf({ backend, kind, error }: BackendFailure): HttpError {
  return kind === 'timeout' ? backendTimeout(backend.id, error) : backendError(backend.id, error);
}
