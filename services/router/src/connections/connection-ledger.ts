import type { Shortlist } from '../balancing/policy.js';

/** A slot taken on a backend. */
export interface Lease {
  /** Id of the candidate that was chosen. */
  readonly backendId: string;
  /** Gives the slot back; only the first call counts. */
  release(): void;
}

/** Who is busy with how much. */
export interface ConnectionLedger {
  /**
   * Chooses from the shortlist by its rule among the backends with a free slot, and takes the
   * slot, in one atomic step. undefined: all are full.
   */
  acquire(pool: string, shortlist: Shortlist): Promise<Lease | undefined>;
  /** Requests in flight on a backend: through this router, and through all of them. */
  inFlight(pool: string, backendId: string): { here: number; cluster: number };
  close(): Promise<void>;
}
