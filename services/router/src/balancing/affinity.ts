import type { Candidate, Policy, PolicyRequest, Shortlist } from './policy.js';
import { rendezvous } from './rendezvous.js';

export interface Affinity {
  /**
   * c: a backend carries at most ceil(c * n * weight / sum(weights)) of n requests in flight, the new
   * one included, but always LEAST_SHARE, before its keys go elsewhere; undefined: any number.
   */
  loadBound: number | undefined;
  /** Decides for the keys whose own backend is above the bound; undefined: their next in the ranking. */
  policy: Policy | undefined;
}

/**
 * Requests of one key on one backend: weighted rendezvous hashing, with bounded loads as in "Consistent
 * hashing with bounded loads" (Mirrokni, Thorup, Zadimoghaddam, 2018). The ranking is the same in every
 * process and needs no storage. The counts are the ledger's, which chooses and takes in one step, so the
 * bound holds over all routers. It gives way where it would leave a slot unused: when all backends
 * below it are full, those above it are taken in order of the ranking.
 */
export function withAffinity(
  { loadBound = Number.POSITIVE_INFINITY, policy }: Affinity,
  candidates: readonly Candidate[],
  request: PolicyRequest,
): Shortlist {
  const ranked = rendezvous(request.key, candidates);
  const weights = ranked.reduce((sum, { weight }) => sum + weight, 0);
  const shares = ranked.map(({ weight }) => (loadBound * weight) / weights);
  const [home, ...others] = ranked;
  if (!policy || !home) return { candidates: ranked, shares, rule: { kind: 'inOrder' } };
  const rest = policy(others, request);
  return {
    candidates: [home, ...rest.candidates],
    shares: shares.slice(0, 1),
    rule: rest.rule,
  };
}
