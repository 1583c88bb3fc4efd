import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../test/support/seeded-random.js';
import { chooseSlot } from '../connections/choose-slot.js';
import { asking, weighing } from '../test-support/candidates.js';
import { policyNamed, policyNames } from './policies.js';
import type { Candidate } from './policy.js';

const weight = fc.double({ min: 0.01, max: 1000, noNaN: true });
const latencyMs = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined });
const someCandidates = fc
  .array(fc.record({ weight, latencyMs }), { maxLength: 12 })
  .map((given) => weighing(...given.map(() => 1)).map((one, i) => ({ ...one, ...given[i] })));
const someRequest = fc.record({
  turn: fc.nat(),
  key: fc.string(),
  seed: fc.nat(),
  busy: fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }),
});

/** The same request, with its random numbers from the start. */
const asked = ({
  turn,
  key,
  seed,
  busy,
}: {
  turn: number;
  key: string;
  seed: number;
  busy: number[];
}) =>
  asking({
    turn,
    key,
    random: seededRandom(seed),
    inFlight: (id) => busy[id.charCodeAt(0) - 97] ?? 0,
  });

const ids = (candidates: readonly Candidate[]) => candidates.map(({ id }) => id);

describe.each(policyNames)('%s', (name) => {
  const policy = policyNamed(name);

  test('ranks every candidate exactly once', () => {
    fc.assert(
      fc.property(someCandidates, someRequest, (candidates, request) => {
        const { candidates: ranked, rule } = policy(candidates, asked(request));
        expect(ids(ranked).sort()).toEqual(ids(candidates));
        for (const { weight: given } of ranked)
          expect(given > 0 && Number.isFinite(given)).toBe(true);
        if (rule.kind === 'leastLoaded') expect(rule.among).toBeLessThanOrEqual(ranked.length);
      }),
    );
  });

  test('is pure: the same question has the same answer, and nothing is changed', () => {
    fc.assert(
      fc.property(someCandidates, someRequest, (given, request) => {
        const candidates = Object.freeze(given.map((one) => Object.freeze(one)));
        const first = policy(candidates, asked(request));
        policy(candidates, asked({ ...request, turn: request.turn + 1, key: `${request.key}x` }));
        expect(policy(candidates, asked(request))).toEqual(first);
      }),
    );
  });

  test('with one free slot left, whoever has it is chosen', () => {
    fc.assert(
      fc.property(someCandidates, someRequest, fc.nat(), (given, request, which) => {
        const free = which % Math.max(1, given.length);
        const candidates = given.map((one) => ({ ...one, capacity: 1 }));
        const count = (id: string) => (id === candidates[free]?.id ? 0 : 1);
        const shortlist = policy(candidates, asked(request));
        expect(chooseSlot(shortlist, count, () => 0.5)?.id).toBe(candidates[free]?.id);
      }),
    );
  });

  test('has nothing to say about no candidates', () => {
    expect(policy([], asking({ turn: 7 })).candidates).toEqual([]);
  });
});

describe('round-robin', () => {
  test.each([
    [0, 'abc'],
    [1, 'bca'],
    [2, 'cab'],
    [3, 'abc'],
    [1_000_000_000_001, 'cab'],
  ])('turn %i is %s, whatever the weights', (turn, order) => {
    const shortlist = policyNamed('round-robin')(weighing(9, 1, 1), asking({ turn }));
    expect(ids(shortlist.candidates).join('')).toBe(order);
    expect(shortlist.rule).toEqual({ kind: 'inOrder' });
  });
});

test('least-connections leaves the whole choice to the counts', () => {
  const candidates = weighing(1, 2, 3);
  expect(policyNamed('least-connections')(candidates, asking({ turn: 5 }))).toEqual({
    candidates,
    rule: { kind: 'leastLoaded', among: 3 },
  });
});
