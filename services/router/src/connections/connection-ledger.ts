import type { Shortlist } from '../balancing/policy.js';

/** A slot taken on a backend. */
export interface Lease {
  /** Id of the candidate that was chosen. */
  readonly backendId: string;
  /** Gives the slot back; only the first call counts. */
  release(): void;
}

/** A request that waits for a slot. */
export interface Waiting {
  /** Asked anew at every try, since backends come and go meanwhile. */
  shortlist: () => Shortlist;
  /** Requests that may wait for the pool at a time, through all routers. */
  limit: number;
  /** Aborts when the request is not to wait any longer. */
  signal: AbortSignal;
}

/** `full`: so many wait already. `ended`: the signal came before a slot did. */
export type WaitEnd = Lease | 'full' | 'ended';

export interface LedgerStatus {
  kind: 'memory' | 'redis';
  /**
   * `own`: of this router, and there are no others. `shared`: exact over all routers. `local`: Redis
   * is away, this router keeps to its share of each capacity. `rejoining`: Redis is back, and for
   * one lease time both rules hold.
   */
  counts: 'own' | 'shared' | 'rejoining' | 'local';
  /** Routers that share the counts, as last seen. */
  replicas: number;
}

/** Who is busy with how much. */
export interface ConnectionLedger {
  /**
   * Chooses from the shortlist by its rule among the backends with a free slot, and takes the
   * slot, in one atomic step. undefined: all are full, or their slots are for requests that wait.
   */
  acquire(pool: string, shortlist: Shortlist): Promise<Lease | undefined>;
  /**
   * The same for a request that waits until a slot is free, anywhere: oldest first among those that
   * want the same backend.
   */
  wait(pool: string, waiting: Waiting): Promise<WaitEnd>;
  /** Requests in flight on a backend: through this router, and through all of them. */
  inFlight(pool: string, backendId: string): { here: number; cluster: number };
  /** Requests that wait for a pool: at this router, and at all of them. */
  waiting(pool: string): { here: number; cluster: number };
  status(pool: string): LedgerStatus;
  close(): Promise<void>;
}
