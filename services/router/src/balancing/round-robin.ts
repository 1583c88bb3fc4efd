import type { Policy } from './policy.js';

/** In turn, weights ignored: request t starts with candidate t mod n. */
export const roundRobin: Policy = (candidates, { turn }) => {
  const first = candidates.length === 0 ? 0 : turn % candidates.length;
  return {
    candidates: [...candidates.slice(first), ...candidates.slice(0, first)],
    rule: { kind: 'inOrder' },
  };
};
