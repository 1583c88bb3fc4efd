import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { weighing } from '../test-support/candidates.js';
import { policyNamed, policyNames } from './policies.js';

const someWeights = fc.array(fc.double({ min: 0.01, max: 1000, noNaN: true }), { maxLength: 12 });

describe.each(policyNames)('%s', (name) => {
  const policy = policyNamed(name);

  test('ranks every candidate exactly once', () => {
    fc.assert(
      fc.property(someWeights, fc.nat(), (weights, turn) => {
        const candidates = weighing(...weights);
        const ranked = policy(candidates, { turn }).candidates;
        expect(ranked).toHaveLength(candidates.length);
        expect(new Set(ranked)).toEqual(new Set(candidates));
      }),
    );
  });

  test('is pure: the same question has the same answer, and nothing is changed', () => {
    fc.assert(
      fc.property(someWeights, fc.nat(), (weights, turn) => {
        const candidates = Object.freeze(weighing(...weights).map(Object.freeze)) as ReturnType<
          typeof weighing
        >;
        const first = policy(candidates, { turn });
        policy(candidates, { turn: turn + 1 });
        expect(policy(candidates, { turn })).toEqual(first);
      }),
    );
  });

  test('has nothing to say about no candidates', () => {
    expect(policy([], { turn: 7 }).candidates).toEqual([]);
  });
});

describe('round-robin', () => {
  const { candidates } = { candidates: weighing(9, 1, 1) };

  test.each([
    [0, 'abc'],
    [1, 'bca'],
    [2, 'cab'],
    [3, 'abc'],
    [1_000_000_000_001, 'cab'],
  ])('turn %i is %s, whatever the weights', (turn, order) => {
    const shortlist = policyNamed('round-robin')(candidates, { turn });
    expect(shortlist.candidates.map(({ id }) => id).join('')).toBe(order);
    expect(shortlist.rule).toEqual({ kind: 'inOrder' });
  });
});

test('least-connections leaves the whole choice to the counts', () => {
  const candidates = weighing(1, 2, 3);
  expect(policyNamed('least-connections')(candidates, { turn: 5 })).toEqual({
    candidates,
    rule: { kind: 'leastLoaded', among: 3 },
  });
});
