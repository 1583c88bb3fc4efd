import { exponentialRace } from './exponential-race.js';
import type { Candidate, Policy } from './policy.js';

/**
 * At random: first with probability weight / sum(weights), and likewise among the rest, whom a full one
 * gives way to. Keeps nothing and needs nothing, so that replicas are as even as one router.
 */
export const weightedRandom: Policy = (candidates, { random }) => ({
  candidates: shuffled(candidates, random),
  rule: { kind: 'inOrder' },
});

/** `random` may give 0, whose logarithm has no place in the race; 1 is as good. */
export const shuffled = (candidates: readonly Candidate[], random: () => number): Candidate[] =>
  exponentialRace(candidates, () => 1 - random());
