import type { HttpError } from '@switchyard/service-kit';
import { type Dispatcher, errors } from 'undici';
import type { RetryBudget } from '../backends/retry-budget.js';
import { backendError, backendTimeout } from '../errors.js';
import { attempt, type OutgoingRequest } from './attempt.js';
import {
  type BackendFailure,
  type BackendResponse,
  isFinal,
  isResponse,
  type Outcome,
} from './backend-response.js';
import type { BackendSearch } from './backend-search.js';
import type { Abortable } from './client-presence.js';
import type { FailureLog } from './failure-log.js';
import { hedgedAttempt, putAside, type Tried } from './hedged-attempt.js';
import type { Found } from './offers.js';

/** What came of trying: an answer to relay, or the error to show when there was none. */
export type Forwarded = {
  attempts: number;
  /** Of the attempts, second copies sent to a second backend. */
  hedges: number;
  found: Found | undefined;
} & (
  | { answer: BackendResponse; error?: undefined }
  | { answer?: undefined; error: HttpError | undefined }
);

export interface ForwardOptions {
  gone: Abortable;
  failures: FailureLog;
  /** Of the pool that the request was meant for. */
  budget: RetryBudget;
  /** Whether it does no harm when two backends work on it. */
  hedgeable: boolean;
  /** Told of every attempt as it is sent. */
  sent: (found: Found) => void;
}

/**
 * Tries one backend after the other until one answers, the retry budget is spent or the client is
 * gone. The answer of a backend that failed is given up only once there is another backend to try, so
 * that the last one's own error is what the client sees. The slots of the others are given back; that
 * of the answer stays.
 */
export async function forward(
  search: BackendSearch,
  dispatcher: Dispatcher,
  requestFor: (found: Found) => OutgoingRequest,
  { gone, failures, budget, hedgeable, sent }: ForwardOptions,
): Promise<Forwarded> {
  const count = { attempts: 0, hedges: 0 };
  const answered = (found: Found, answer: BackendResponse): Forwarded => {
    const { attempts, hedges } = count;
    return { attempts, hedges, found, answer };
  };
  const ended = (found: Found | undefined, error: HttpError | undefined): Forwarded => {
    const { attempts, hedges } = count;
    return { attempts, hedges, found, error };
  };
  const note = ({ found, outcome }: Tried) => failures.note(found.pool, outcome);

  const ask = async (found: Found): Promise<Tried> => {
    const afterMs = hedgeable ? found.pool.hedgeAfterMs : undefined;
    if (afterMs === undefined) {
      count.attempts++;
      const outcome = await attempt(dispatcher, found.backend, requestFor(found));
      return { found, outcome };
    }
    const { tried, attempts } = await hedgedAttempt(found, {
      send: (one, signal) => attempt(dispatcher, one.backend, { ...requestFor(one), signal }),
      second: () => withinBudget(budget, search, () => search.second(found)),
      afterMs,
      gone,
      note,
    });
    count.attempts += attempts;
    count.hedges += attempts - 1;
    return tried;
  };

  let last: Tried | undefined;
  for (;;) {
    const found = await nextAfter(last, search, budget);
    if (!found) break;
    if (last) putAside(last);
    else budget.request();
    if (gone.aborted) return ended(last?.found, undefined);
    const asked = performance.now();
    const asking = ask(found);
    sent(found);
    last = await asking;
    const { outcome } = last;
    if (gone.aborted) {
      // What the backend did then says nothing about it.
      if (isResponse(outcome)) outcome.discard();
      return ended(last.found, undefined);
    }
    note(last);
    if (isFinal(outcome)) {
      // Of a hedged request the whole wait: the copy's own would make the next hedges come ever sooner.
      if (outcome.status < 400) last.found.pool.firstBytes.add(performance.now() - asked);
      return answered(last.found, outcome);
    }
    if (!isResponse(outcome)) last.found.lease.release();
    if (isUnseen(outcome)) search.allowAgain(last.found);
  }
  if (!last) return ended(undefined, undefined);
  const { found, outcome } = last;
  if (isResponse(outcome)) return answered(found, outcome);
  return ended(found, errorOf(outcome));
}

/** The first attempt is free, and so is one after an attempt that no backend can have seen. */
function nextAfter(
  last: Tried | undefined,
  search: BackendSearch,
  budget: RetryBudget,
): Promise<Found | undefined> {
  const seen = last !== undefined && !isUnseen(last.outcome) && !isUnreached(last.outcome);
  return seen ? withinBudget(budget, search, () => search.next()) : search.next();
}

async function withinBudget(
  budget: RetryBudget,
  search: BackendSearch,
  find: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  if (!search.hasMore || !budget.take()) return undefined;
  let found: Found | undefined;
  try {
    found = await find();
  } finally {
    if (!found) budget.giveBack();
  }
  return found;
}

const isUnseen = (outcome: Outcome) => !isResponse(outcome) && outcome.kind === 'unseen';
const isUnreached = (outcome: Outcome) => !isResponse(outcome) && outcome.kind === 'unreachable';

function errorOf({ backend, kind, error }: BackendFailure): HttpError {
  const timedOut = kind === 'timeout' || error instanceof errors.ConnectTimeoutError;
  return timedOut ? backendTimeout(backend.id, error) : backendError(backend.id, error);
}
