import type { Policy } from './policy.js';

/**
 * The least load, in flight / weight, ties broken at random: with even requests close to one queue for
 * all. Counts are those of all replicas; where they are not to be had, of this one alone.
 */
export const leastConnections: Policy = (candidates) => ({
  candidates,
  rule: { kind: 'leastLoaded', among: candidates.length },
});
