import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asking, weighing } from '../test-support/candidates.js';
import { ipHash } from './ip-hash.js';
import type { Candidate } from './policy.js';

const keys = Array.from({ length: 3000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);

const winner = (candidates: readonly Candidate[], key: string) =>
  ipHash(candidates, asking({ key })).candidates[0]?.id;

const owners = (candidates: readonly Candidate[]) =>
  new Map(keys.map((key) => [key, winner(candidates, key)]));

/** Keys that went elsewhere, and where. */
const moves = (before: Map<string, string | undefined>, after: Map<string, string | undefined>) =>
  keys.filter((key) => before.get(key) !== after.get(key));

test('the mapping is the same for ever: in every process, after every restart', () => {
  const five = weighing(1, 1, 1, 1, 1);
  const mapping = keys.slice(0, 24).map((key) => winner(five, key));
  expect(mapping.join('')).toBe('cbdeabdbadcaaebdabbeaeae');
});

test('a key has a ranking of its own, in whatever order the candidates come', () => {
  const order = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 });
  fc.assert(
    fc.property(fc.string(), order, (key, shuffle) => {
      const candidates = weighing(1, 2, 3, 4, 5);
      const other = shuffle.flatMap((index) => candidates[index] ?? []);
      const ranking = (given: readonly Candidate[]) => ipHash(given, asking({ key })).candidates;
      expect(ranking(other)).toEqual(ranking(candidates));
    }),
  );
});

test('keys are spread by weight', () => {
  const weights = [1, 2, 3, 4];
  const owned = [...owners(weighing(...weights)).values()];
  for (const [index, weight] of weights.entries()) {
    const p = weight / 10;
    const count = owned.filter((id) => id === 'abcd'[index]).length;
    const deviation = Math.sqrt(keys.length * p * (1 - p));
    expect(Math.abs(count - keys.length * p)).toBeLessThan(5 * deviation);
  }
});

describe('minimal movement', () => {
  const six = weighing(1, 1, 1, 1, 1, 1);
  const before = owners(six);

  test.each(six.map(({ id }) => id))('without %s only its own keys move', (gone) => {
    const moved = moves(before, owners(six.filter(({ id }) => id !== gone)));
    expect(moved).toEqual(keys.filter((key) => before.get(key) === gone));
    expect(moved.length).toBeLessThan((1.2 * keys.length) / six.length);
  });

  test('one that comes takes its share, and moves no key between others', () => {
    const after = owners(weighing(1, 1, 1, 1, 1, 1, 1));
    const moved = moves(before, after);
    for (const key of moved) expect(after.get(key)).toBe('g');
    expect(moved.length).toBeLessThan((1.2 * keys.length) / 7);
  });

  test('a weight that grows takes keys, and moves none between others', () => {
    const after = owners(weighing(1, 1, 2, 1, 1, 1));
    const moved = moves(before, after);
    expect(moved.length).toBeGreaterThan(0);
    for (const key of moved) expect(after.get(key)).toBe('c');
  });

  test('when its backend is gone a key goes to the next of its ranking', () => {
    for (const key of keys.slice(0, 100)) {
      const [first, second] = ipHash(six, asking({ key })).candidates;
      expect(
        winner(
          six.filter((one) => one !== first),
          key,
        ),
      ).toBe(second?.id);
    }
  });
});

test('the keys of one pool do not follow those of another', () => {
  const pool = (name: string) =>
    weighing(1, 1, 1).map((one) => ({ ...one, id: `${name}/${one.id}` }));
  const tail = (id: string | undefined) => id?.split('/')[1];
  const same = keys.filter((key) => tail(winner(pool('x'), key)) === tail(winner(pool('y'), key)));
  expect(same.length / keys.length).toBeGreaterThan(0.28);
  expect(same.length / keys.length).toBeLessThan(0.39);
});
