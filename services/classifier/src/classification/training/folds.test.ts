import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stratifiedFolds } from './folds.js';
import type { LabelledRows } from './labelled-rows.js';

const rowsOf = (labels: readonly number[]): LabelledRows => ({
  count: labels.length,
  dimensions: 0,
  classes: Math.max(0, ...labels) + 1,
  vectors: new Float32Array(),
  grams: [],
  labels: Int32Array.from(labels),
});

test('every row of a class that has several is held out once, and trained on in the other folds', () => {
  const labels = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 200 });
  fc.assert(
    fc.property(labels, (given) => {
      const folds = stratifiedFolds(rowsOf(given));
      const heldOut = folds.flatMap((fold) => fold.heldOut).sort((a, b) => a - b);
      const several = given.flatMap((label, row) =>
        given.filter((other) => other === label).length > 1 ? [row] : [],
      );
      expect(heldOut).toEqual(several);
      for (const fold of folds) {
        expect([...fold.heldOut, ...fold.training].sort((a, b) => a - b)).toEqual([
          ...given.keys(),
        ]);
        for (const row of fold.heldOut)
          expect(fold.training.some((other) => given[other] === given[row])).toBe(true);
      }
    }),
  );
});

test('folds are of a size', () => {
  const labels = Array.from({ length: 100 }, (_, n) => n % 20);
  expect(stratifiedFolds(rowsOf(labels)).map(({ heldOut }) => heldOut.length)).toEqual([
    20, 20, 20, 20, 20,
  ]);
});

test('of many rows only some are held out, in two folds', () => {
  const folds = stratifiedFolds(rowsOf(Array.from({ length: 100_000 }, (_, n) => n % 50)));
  expect(folds).toHaveLength(2);
  expect(folds.flatMap(({ heldOut }) => heldOut)).toHaveLength(20_000);
});
