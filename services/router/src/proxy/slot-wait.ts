import type { Shortlist } from '../balancing/policy.js';
import type { ConnectionLedger, Lease } from '../connections/connection-ledger.js';

export interface WaitingPlace {
  pool: string;
  shortlist: () => Shortlist;
  limit: number;
}

/**
 * Waits for a slot in several pools at once: the first that comes is taken, and one of another pool
 * that comes in the same instant is given back. `full`: none of the pools lets any more wait.
 */
export function waitForSlot(
  ledger: ConnectionLedger,
  places: readonly WaitingPlace[],
  signal: AbortSignal,
): Promise<{ pool: string; lease: Lease } | 'full' | 'ended'> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  return new Promise((resolve, reject) => {
    let pending = places.length;
    let reason: 'full' | 'ended' = 'full';
    for (const { pool, shortlist, limit } of places)
      ledger.wait(pool, { shortlist, limit, signal: either }).then((end) => {
        pending--;
        if (typeof end === 'object') {
          if (over.signal.aborted) end.release();
          resolve({ pool, lease: end });
          over.abort();
          return;
        }
        if (end === 'ended') reason = 'ended';
        if (pending === 0) resolve(reason);
      }, reject);
  });
}
