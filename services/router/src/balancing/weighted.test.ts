import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asking, weighing } from '../test-support/candidates.js';
import { weighted } from './weighted.js';

const ranking = (weights: readonly number[], turn: number) =>
  weighted(weighing(...weights), asking({ turn })).candidates.map(({ id }) => id);

const winners = (weights: readonly number[], turns: number) =>
  Array.from({ length: turns }, (_, turn) => ranking(weights, turn)[0] ?? '');

const sum = (numbers: readonly number[]) => numbers.reduce((total, n) => total + n, 0);

describe('the sequence of nginx', () => {
  test.each([
    [[5, 1, 1], 'aabacaa'],
    [[1, 1, 1], 'abc'],
    [[2, 1], 'aba'],
    [[3, 2], 'ababa'],
    [[4, 2, 1], 'abacaba'],
    [[7], 'a'],
  ])('of the weights %j is %s, over and over', (weights, sequence) => {
    expect(winners(weights, 3 * sequence.length).join('')).toBe(sequence.repeat(3));
  });

  test('goes on with the next turns after the winner', () => {
    expect(ranking([5, 1, 1], 0)).toEqual(['a', 'b', 'c']);
    expect(ranking([5, 1, 1], 3)).toEqual(['a', 'c', 'b']);
    expect(ranking([5, 1, 1], 4)).toEqual(['c', 'a', 'b']);
  });
});

test('only proportions count', () => {
  expect(winners([500, 100, 100], 14).join('')).toBe('aabacaaaabacaa');
  expect(winners([0.25, 0.25], 4).join('')).toBe('abab');
});

test('over a cycle everyone gets exactly its weight', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(weights, fc.nat(10_000), (given, start) => {
      const counts = given.map(() => 0);
      for (let turn = start; turn < start + sum(given); turn++) {
        const winner = ranking(given, turn)[0]?.charCodeAt(0) ?? 0;
        const index = winner - 'a'.charCodeAt(0);
        counts[index] = (counts[index] ?? 0) + 1;
      }
      expect(counts).toEqual(given);
    }),
    { numRuns: 50 },
  );
});

test('nobody is served much more often than its share in any stretch of turns', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 60 }), (given, turns) => {
      const served = winners(given, turns);
      for (const [index, weight] of given.entries()) {
        const id = String.fromCharCode('a'.charCodeAt(0) + index);
        const share = (turns * weight) / sum(given);
        const count = served.filter((winner) => winner === id).length;
        // Smoothness: no prefix is off by as many turns as there are candidates.
        expect(Math.abs(count - share)).toBeLessThan(given.length);
      }
    }),
  );
});

test('fractions keep their proportions to within one part in a thousand', () => {
  const weights = [1 / 3, 0.1, 17.5];
  const served = winners(weights, 1000);
  for (const [index, weight] of weights.entries()) {
    const share = served.filter((id) => id === 'abc'[index]).length / 1000;
    expect(share).toBeCloseTo(weight / sum(weights), 2);
  }
});

test('a tiny weight beside a huge one still gets a turn', () => {
  expect(new Set(winners([1000, 0.01], 1001))).toEqual(new Set(['a', 'b']));
});
