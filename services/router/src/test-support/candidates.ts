import type { Candidate, PolicyRequest } from '../balancing/policy.js';

/** Candidates a, b, c, ... with these weights. */
export const weighing = (...weights: number[]): Candidate[] =>
  weights.map((weight, index) => ({
    id: String.fromCharCode('a'.charCodeAt(0) + index),
    weight,
    capacity: Number.POSITIVE_INFINITY,
  }));

/** What a policy is asked; alike each time but for what is given. */
export const asking = (given: Partial<PolicyRequest> = {}): PolicyRequest => ({
  turn: 0,
  key: '192.0.2.1',
  random: () => 0.5,
  inFlight: () => 0,
  ...given,
});

/** A generator of numbers in [0, 1) that repeats itself for a seed: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
