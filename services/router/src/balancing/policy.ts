/** A backend that may serve a request now. */
export interface Candidate {
  /** Unique over all pools: "pool/backend". */
  id: string;
  /** Share of the work, relative to the others. */
  weight: number;
  /** Requests at a time; Infinity for no limit. */
  capacity: number;
  /** Milliseconds to the first byte, as expected now; undefined: nothing is known of it. */
  latencyMs?: number | undefined;
}

export interface PolicyRequest {
  /** Counts the pool's requests on this router: 0, 1, 2, ... */
  turn: number;
  /** Requests of one key should meet the same backend. */
  key: string;
  /** Numbers in [0, 1). */
  random: () => number;
  /**
   * Requests in flight on a backend as far as this router knows at once. The choice by load is the
   * ledger's; this only tells whether somebody is already finding out about a backend.
   */
  inFlight: (id: string) => number;
}

/**
 * A share is never less than this: two at a time are no load, and the end of a request may be known a
 * moment after the client has sent the next one.
 */
export const LEAST_SHARE = 2;

/**
 * All candidates, best first, and how to choose among them:
 * `inOrder`: the first with a free slot.
 * `leastLoaded`: among the first `among`, the one with the least load (in flight, and `plus` more,
 * per weight; `plus` is 0 unless given; ties at random) that has a free slot; then the rest in order.
 */
export interface Shortlist {
  candidates: readonly Candidate[];
  /**
   * So many of the first candidates go before the rule, in order: each is taken when it has a free slot
   * and, with this request, carries no more than its share of all that is in flight on the candidates
   * (of n, this request included: ceil(share * n), at least LEAST_SHARE). The rule holds for those after them; when none of
   * these has a free slot, the first of the former that has one.
   */
  shares?: readonly number[];
  rule: { kind: 'inOrder' } | { kind: 'leastLoaded'; among: number; plus?: number };
}

/** Pure: counts in flight are the ledger's, which chooses from the shortlist and takes a slot in one step. */
export type Policy = (candidates: readonly Candidate[], request: PolicyRequest) => Shortlist;
