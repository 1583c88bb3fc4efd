import type { Policy } from './policy.js';
import { shuffled } from './random.js';

/**
 * The less loaded (in flight per weight) of two candidates drawn at random by weight; the rest at
 * random, for when both are full. Nearly as even as asking all, without everybody running to the one
 * that was least loaded a moment ago (Mitzenmacher, "The power of two choices", 2001).
 */
export const powerOfTwo: Policy = (candidates, { random }) => ({
  candidates: shuffled(candidates, random),
  rule: { kind: 'leastLoaded', among: Math.min(2, candidates.length) },
});
