import { expect, test } from 'vitest';
import type { ExemplarKey } from '../exemplars/exemplar.js';
import type { Head } from './head.js';
import { ScoringClasses } from './scoring-classes.js';

const [right, up] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
const key = (id: string, intent: string, version: number): ExemplarKey => ({ id, intent, version });

/** Trained at version 5 on two exemplars of `a` (to the right) and one of `b` (up). */
const head = {
  trainedOn: 5,
  intents: [
    { name: 'a', exemplars: 2, about: '' },
    { name: 'b', exemplars: 1, about: '' },
  ],
  sums: Float32Array.of(2, 0, 0, 1),
} as Partial<Head> as Head;

const trained = () =>
  new ScoringClasses(2, head, [key('1', 'a', 1), key('2', 'a', 2), key('3', 'b', 5)], () => right);
const shown = (classes: ScoringClasses) =>
  classes
    .classes()
    .map(({ intent, column, centroid }) => [
      intent,
      column,
      centroid && [...centroid].map((value) => Math.round(100 * value) / 100),
    ]);

test('a head that knows everything needs no centroid', () => {
  expect(shown(trained())).toEqual([
    ['a', 0, undefined],
    ['b', 1, undefined],
  ]);
  expect(trained().isCurrent).toBe(true);
});

test('a new intent has a centroid, one that grew has one beside its column', () => {
  const classes = trained();
  classes.enter(key('4', 'c', 6), up);
  classes.enter(key('5', 'a', 7), up);
  expect(shown(classes)).toEqual([
    ['a', 0, [0, 10]],
    ['b', 1, undefined],
    ['c', undefined, [0, 10]],
  ]);
  expect(classes.isCurrent).toBe(false);
  classes.leave(key('5', 'a', 7), up);
  classes.leave(key('4', 'c', 6), up);
  expect(shown(classes)).toEqual(shown(trained()));
  expect(classes.isCurrent).toBe(true);
});

test('an intent that lost an exemplar of its training is known by what it still has', () => {
  const classes = trained();
  classes.leave(key('2', 'a', 2), right);
  classes.enter(key('6', 'a', 8), up);
  expect(shown(classes)[0]).toEqual(['a', undefined, [7.07, 7.07]]);
  expect(classes.isCurrent).toBe(false);
});

test('without exemplars an intent is no class, and what was forgotten does not come back', () => {
  const classes = trained();
  classes.leave(key('3', 'b', 5), up);
  expect(shown(classes)).toEqual([['a', 0, undefined]]);
  classes.forget('a');
  expect(shown(classes)).toEqual([]);
  classes.enter(key('7', 'a', 9), up);
  expect(shown(classes)).toEqual([['a', undefined, [0, 10]]]);
});

test('after a restart only what the head has not seen is fresh', () => {
  const present = [key('1', 'a', 1), key('2', 'a', 2), key('3', 'b', 5), key('4', 'c', 6)];
  const classes = new ScoringClasses(2, head, present, () => up);
  expect(shown(classes)).toEqual([
    ['a', 0, undefined],
    ['b', 1, undefined],
    ['c', undefined, [0, 10]],
  ]);
  const lost = new ScoringClasses(2, head, present.slice(1, 3), () => up);
  expect(lost.isCurrent).toBe(false);
});

test('without a head every exemplar is fresh', () => {
  const classes = new ScoringClasses(2, undefined, [key('1', 'a', 1)], () => right);
  expect(classes.isFresh({ version: 0 })).toBe(true);
  expect(shown(classes)).toEqual([['a', undefined, [10, 0]]]);
  expect(classes.isCurrent).toBe(false);
  expect(new ScoringClasses(2, undefined, [], () => right).isCurrent).toBe(true);
});

test('what is gone when the head is taken up does not count', () => {
  const vectors = new Map([
    ['1', up],
    ['2', right],
  ]);
  const left = new ScoringClasses(2, head, [key('1', 'a', 1)], (id) => vectors.get(id));
  // One of two of `a`, and it points up; `b` has nothing, and comes back elsewhere.
  expect(shown(left)).toEqual([['a', undefined, [0, 10]]]);
  left.enter(key('9', 'b', 9), right);
  expect(shown(left)).toEqual([
    ['a', undefined, [0, 10]],
    ['b', undefined, [10, 0]],
  ]);
});
