import { LRUCache } from 'lru-cache';
import type { Candidate, Policy } from './policy.js';

/** Weights are rounded so that a cycle has at most about this many turns. */
const MAX_CYCLE = 1000;

/** The cycle follows from the weights alone; a fleet has few combinations of them. */
const cycles = new LRUCache<string, readonly number[]>({ max: 256 });

/**
 * Smooth weighted round-robin, as in nginx: each turn every candidate gains its weight, the one
 * with the most serves and pays the sum of all weights. Weights 5, 1, 1 give a a b a c a a, never
 * five in a row. The sequence repeats after sum(weights) turns, so request t takes place
 * t mod cycle of it.
 */
export const weighted: Policy = (candidates, { turn }) => {
  const cycle = cycleOf(candidates);
  const order = new Set<Candidate>();
  for (let step = 0; step < cycle.length && order.size < candidates.length; step++) {
    const next = candidates[cycle[(turn + step) % cycle.length] ?? 0];
    if (next) order.add(next);
  }
  return { candidates: [...order], rule: { kind: 'inOrder' } };
};

function cycleOf(candidates: readonly Candidate[]): readonly number[] {
  const weights = wholeNumbers(candidates.map(({ weight }) => weight));
  const key = weights.join();
  const known = cycles.get(key);
  if (known) return known;
  const cycle = smoothCycle(weights);
  cycles.set(key, cycle);
  return cycle;
}

function smoothCycle(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const credit = weights.map(() => 0);
  return Array.from({ length: total }, () => {
    let chosen = 0;
    for (const [index, weight] of weights.entries()) {
      credit[index] = (credit[index] ?? 0) + weight;
      if ((credit[index] ?? 0) > (credit[chosen] ?? 0)) chosen = index;
    }
    credit[chosen] = (credit[chosen] ?? 0) - total;
    return chosen;
  });
}

/** The smallest whole numbers in (nearly) the same proportion, each at least 1. */
function wholeNumbers(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const whole = weights.every(Number.isInteger) && total <= MAX_CYCLE;
  const scaled = whole
    ? [...weights]
    : weights.map((weight) => Math.max(1, Math.round((weight / total) * MAX_CYCLE)));
  const divisor = scaled.reduce(gcd, 0) || 1;
  return scaled.map((weight) => weight / divisor);
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
