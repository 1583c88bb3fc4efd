import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import { asking, weighing } from '../test-support/candidates.js';
import { powerOfTwo } from './power-of-two.js';
import { shuffled, weightedRandom } from './random.js';

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);
const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 5 });

/** How often each candidate stands at a place, by id. */
function places(given: readonly number[], rounds: number, seed: number, place: number) {
  const random = seededRandom(seed);
  const counts: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    const id = weightedRandom(weighing(...given), asking({ random })).candidates[place]?.id ?? '';
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

/** Whether a count is one that a chance of `p` gives in so many rounds, all but once in 10^8. */
const plausible = (count: number, p: number, rounds: number) =>
  Math.abs(count - p * rounds) <= 6 * Math.sqrt(rounds * p * (1 - p)) + 1;

test('each comes first as often as its weight says', () => {
  fc.assert(
    fc.property(weights, fc.nat(), (given, seed) => {
      const rounds = 2000;
      const counts = places(given, rounds, seed, 0);
      for (const [index, weight] of given.entries())
        expect(plausible(counts['abcde'[index] ?? ''] ?? 0, weight / sum(given), rounds)).toBe(
          true,
        );
    }),
    { numRuns: 25 },
  );
});

test('the second is drawn by weight among those that are left', () => {
  const rounds = 20_000;
  const counts = places([1, 2, 3], rounds, 7, 1);
  // P(a second) = P(b first) 1/4 + P(c first) 1/3, and so on.
  const expected = { a: 1 / 12 + 1 / 6, b: 1 / 15 + 1 / 3, c: 1 / 10 + 1 / 4 };
  for (const [id, p] of Object.entries(expected))
    expect(plausible(counts[id] ?? 0, p, rounds)).toBe(true);
});

test.each([0, 1 - 2 ** -53])('the edge %d of the random numbers ranks everyone', (edge) => {
  expect(shuffled(weighing(1, 1, 1), () => edge)).toHaveLength(3);
});

describe('power-of-two', () => {
  test('leaves two, drawn at random, to the counts', () => {
    const random = seededRandom(3);
    const seen = new Set<string>();
    for (let round = 0; round < 200; round++) {
      const { candidates, rule } = powerOfTwo(weighing(1, 1, 1, 1), asking({ random }));
      expect(rule).toEqual({ kind: 'leastLoaded', among: 2 });
      seen.add(
        candidates
          .slice(0, 2)
          .map(({ id }) => id)
          .sort()
          .join(''),
      );
    }
    expect([...seen].sort()).toEqual(['ab', 'ac', 'ad', 'bc', 'bd', 'cd']);
  });

  test('with one candidate there is one', () => {
    expect(powerOfTwo(weighing(1), asking()).rule).toEqual({ kind: 'leastLoaded', among: 1 });
  });
});
