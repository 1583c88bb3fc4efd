import type { Shortlist } from '../balancing/policy.js';
import type { ClusterView } from './cluster-view.js';

/**
 * What a router without Redis may choose from: its share of each capacity, at least one, and never what
 * others were last seen to use.
 */
export function limitedToShare(
  { candidates, rule }: Shortlist,
  view: Pick<ClusterView, 'replicas' | 'others'>,
): Shortlist {
  const limited = candidates.map((candidate) => {
    const { id, capacity } = candidate;
    const share = Math.max(1, Math.floor(capacity / view.replicas));
    return { ...candidate, capacity: Math.min(share, capacity - view.others(id)) };
  });
  return { candidates: limited, rule };
}
