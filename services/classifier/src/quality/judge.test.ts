import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Judged, judge } from './judge.js';
import { auroc, scopeFigures } from './scope-figures.js';

const one = (intent: string, predicted: string | null, confidence: number): Judged => ({
  text: `${intent} as ${predicted} at ${confidence}`,
  intent,
  predicted,
  confidence,
});

test('a small table by hand', () => {
  const { confusedPairs, intents, calibration, ...figures } = judge([
    one('a', 'a', 0.9),
    one('a', 'a', 0.91),
    one('a', 'b', 0.5),
    one('b', 'b', 0.5),
    one('b', 'a', 0.9),
    one('b', 'a', 0.3),
    one('c', null, 0),
  ]);
  expect(figures).toEqual({
    evaluated: 7,
    accuracy: 3 / 7,
    // Bins: {0: right 0}, {0.3: right 0}, {0.5, 0.5: right 1 of 2}, {0.9, 0.91, 0.9: right 2 of 3}.
    calibrationError: expect.closeTo((0 + 0.3 + 0 + 3 * Math.abs(2.71 / 3 - 2 / 3)) / 7, 9),
  });
  expect(calibration.map(({ count }) => count)).toEqual([1, 1, 2, 3]);
  expect(intents).toEqual([
    { intent: 'a', support: 3, precision: 2 / 4, recall: 2 / 3, f1: 4 / 7 },
    { intent: 'b', support: 3, precision: 1 / 2, recall: 1 / 3, f1: 2 / 5 },
    { intent: 'c', support: 1, precision: null, recall: 0, f1: 0 },
  ]);
  expect(confusedPairs.map(({ intent, predicted, count }) => [intent, predicted, count])).toEqual([
    ['b', 'a', 2],
    ['a', 'b', 1],
  ]);
  expect(confusedPairs[0]?.examples.map(({ confidence }) => confidence)).toEqual([0.9, 0.3]);
});

test('nothing to judge gives no figures', () => {
  expect(judge([])).toMatchObject({ evaluated: 0, accuracy: null, calibrationError: null });
});

test('what rejection does', () => {
  const outcome = (belongs: boolean, right: boolean, accepted: boolean, scopeScore: number) => ({
    belongs,
    right,
    accepted,
    scopeScore,
  });
  expect(
    scopeFigures([
      outcome(true, true, true, 0.9),
      outcome(true, false, true, 0.6),
      outcome(true, true, false, 0.02),
      outcome(true, true, true, 0.5),
      outcome(false, false, false, 0.01),
      outcome(false, false, true, 0.55),
      // Close to an intent that is never chosen.
      outcome(false, false, false, 0.95),
    ]),
  ).toEqual({
    inScope: 4,
    outOfScope: 3,
    acceptedAccuracy: 2 / 4,
    rejected: 1 / 4,
    recall: 2 / 3,
    precision: 2 / 3,
    auroc: 9 / 12,
  });
});

test('AUROC is the share of pairs in the right order', () => {
  const scores = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(scores, scores, (high, low) => {
      let wins = 0;
      for (const a of high) for (const b of low) wins += a > b ? 1 : a === b ? 0.5 : 0;
      expect(auroc(high, low)).toBeCloseTo(wins / (high.length * low.length), 9);
    }),
  );
  expect(auroc([], [1])).toBeNull();
});
