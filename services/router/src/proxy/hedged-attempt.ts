import { isFinal, isResponse, type Outcome } from './backend-response.js';
import type { Abortable } from './client-presence.js';
import type { Found } from './offers.js';

export interface Tried {
  found: Found;
  outcome: Outcome;
}

export interface Hedging {
  /** Sends to one backend and resolves with its first byte or failure, never rejects. */
  send: (found: Found, signal: Abortable) => Promise<Outcome>;
  /** A second backend to ask, with a lease of its own; undefined: there is none, or no budget. */
  second: () => Promise<Found | undefined>;
  /** Milliseconds without a first byte after which it is asked. */
  afterMs: number;
  /** Aborts when the client is gone. */
  gone: Abortable;
  /** What came of an attempt that was not the last word. */
  note: (tried: Tried) => void;
}

export interface Hedged {
  /** The answer that came first, or else what came last; its lease is still held. */
  tried: Tried;
  attempts: number;
}

interface Running extends Found {
  started: number;
  done: Promise<Tried>;
  abort: () => void;
}

/**
 * Asks one backend and, when it has sent no first byte after a while, another one as well. The first
 * answer that the client should see wins; the other request is aborted and its slot given back. A failure is no winner as long as the other one may still answer. (Dean and Barroso, "The tail
 * at scale", 2013: hedged requests.)
 */
export async function hedgedAttempt(first: Found, hedging: Hedging): Promise<Hedged> {
  const { afterMs, gone } = hedging;
  const original = start(first, hedging);
  if (await doneWithin(original, afterMs)) return { tried: await original.done, attempts: 1 };
  const second = gone.aborted ? undefined : await hedging.second();
  if (!second) return { tried: await original.done, attempts: 1 };

  const { hedges } = first.pool;
  hedges.sent++;
  const copy = start(second, hedging);
  const earlier = await Promise.race([original.done, copy.done]);
  const other = earlier.found === first ? copy : original;
  if (isFinal(earlier.outcome)) {
    giveUp(other);
    if (earlier.found === second) hedges.won++;
    return { tried: earlier, attempts: 2 };
  }
  const later = await other.done;
  if (!gone.aborted) hedging.note(earlier);
  putAside(earlier);
  if (later.found === second && isFinal(later.outcome)) hedges.won++;
  return { tried: later, attempts: 2 };
}

function start(found: Found, { send, gone }: Hedging): Running {
  const own = new AbortController();
  // The listener goes with `gone`, which is of this request alone.
  const abort = () => own.abort(gone.reason);
  if (gone.aborted) abort();
  else gone.addEventListener('abort', abort, { once: true });
  const done = send(found, own.signal).then((outcome) => ({ found, outcome }));
  return { ...found, started: performance.now(), done, abort };
}

async function doneWithin({ done }: Running, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const inTime = await Promise.race([done.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

/** Its slot is free once the request has ended, which it may have done in the same instant. */
function giveUp({ backend, started, done, abort }: Running): void {
  backend.latency.waited(performance.now() - started);
  abort();
  done.then(putAside, () => undefined);
}

/** Gives up an answer that will not be relayed, and the slot. */
export function putAside({ found, outcome }: Tried): void {
  if (isResponse(outcome)) outcome.discard();
  found.lease.release();
}
