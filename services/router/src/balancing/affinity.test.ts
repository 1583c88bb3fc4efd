import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import { chooseSlot } from '../connections/choose-slot.js';
import { asking, weighing } from '../test-support/candidates.js';
import { withAffinity } from './affinity.js';
import { leastConnections } from './least-connections.js';
import { type Candidate, LEAST_SHARE } from './policy.js';

const keys = Array.from({ length: 10_000 }, (_, i) => `session ${i}`);
const strict = { loadBound: undefined, policy: undefined };
const homeOf = (key: string, candidates: readonly Candidate[]) =>
  withAffinity(strict, candidates, asking({ key })).candidates[0]?.id;

describe('the mapping', () => {
  test('at removal of one of n moves its keys alone, at most 1.2 / n of all', () => {
    const all = weighing(1, 1, 1, 1, 1, 1, 1, 1);
    for (const gone of all) {
      const left = all.filter((one) => one !== gone);
      const moved = keys.filter((key) => homeOf(key, all) !== homeOf(key, left));
      expect(moved.every((key) => homeOf(key, all) === gone.id)).toBe(true);
      expect(moved.length).toBeLessThanOrEqual((1.2 / all.length) * keys.length);
      expect(moved.length).toBeGreaterThan((0.8 / all.length) * keys.length);
    }
  });

  test('does not depend on the order in which the backends are named', () => {
    const all = weighing(1, 2, 3);
    for (const key of keys.slice(0, 500))
      expect(homeOf(key, all)).toBe(homeOf(key, all.toReversed()));
  });

  test('follows the weights', () => {
    const all = weighing(1, 3);
    const onA = keys.filter((key) => homeOf(key, all) === 'a').length;
    // 2500 expected, standard deviation 43.
    expect(Math.abs(onA - 2500)).toBeLessThan(200);
  });
});

/** Keys by Zipf's law with exponent s: the k-th most frequent has a share of 1 / k^s. */
function zipf(count: number, s: number, random: () => number): () => string {
  const sums: number[] = [];
  for (let k = 1; k <= count; k++) sums.push((sums.at(-1) ?? 0) + 1 / k ** s);
  return () => {
    const at = random() * (sums.at(-1) ?? 0);
    return `key ${sums.findIndex((sum) => at < sum)}`;
  };
}

describe('the load bound', () => {
  test.each([
    ['equal weights', [1, 1, 1, 1, 1, 1]],
    ['unequal weights', [1, 1, 2, 4]],
  ])('holds at every step under Zipf keys, %s', (_what, weights) => {
    const random = seededRandom(7);
    const next = zipf(200, 1.1, random);
    const all = weighing(...weights);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const loadBound = 1.25;
    const counts = new Map<string, number>();
    const held: string[] = [];
    let away = 0;
    for (let step = 0; step < 5000; step++) {
      if (held.length >= 60) {
        const [ended = ''] = held.splice(Math.floor(random() * held.length), 1);
        counts.set(ended, (counts.get(ended) ?? 0) - 1);
      }
      const request = asking({ key: next() });
      const shortlist = withAffinity({ loadBound, policy: undefined }, all, request);
      const chosen = chooseSlot(shortlist, (id) => counts.get(id) ?? 0, random);
      if (!chosen) throw new Error('none chosen');
      if (chosen.id !== shortlist.candidates[0]?.id) away++;
      held.push(chosen.id);
      const load = (counts.get(chosen.id) ?? 0) + 1;
      counts.set(chosen.id, load);
      const bound = Math.ceil((loadBound * held.length * chosen.weight) / sum);
      expect(load).toBeLessThanOrEqual(Math.max(LEAST_SHARE, bound));
    }
    // The most frequent key alone is a fifth of all: some must go elsewhere, and most need not.
    expect(away).toBeGreaterThan(0);
    expect(away).toBeLessThan(2500);
  });
});

test('with a policy, those who cannot stay at home go where it says', () => {
  const all = weighing(1, 1, 1, 1);
  const affinity = { loadBound: 1, policy: leastConnections };
  const { candidates, shares, rule } = withAffinity(affinity, all, asking({ key: 'k' }));
  expect(candidates[0]?.id).toBe(homeOf('k', all));
  expect(candidates.map(({ id }) => id).sort()).toEqual(['a', 'b', 'c', 'd']);
  expect(shares).toEqual([0.25]);
  expect(rule).toEqual({ kind: 'leastLoaded', among: 3 });
});

test('nobody to choose from', () => {
  expect(withAffinity({ loadBound: 1, policy: leastConnections }, [], asking()).candidates).toEqual(
    [],
  );
});
