import type { Policy } from './policy.js';

/** The least in flight per weight, ties broken at random. */
export const leastConnections: Policy = (candidates) => ({
  candidates,
  rule: { kind: 'leastLoaded', among: candidates.length },
});
