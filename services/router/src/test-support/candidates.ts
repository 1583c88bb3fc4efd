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
