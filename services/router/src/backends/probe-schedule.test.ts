import { expect, test } from 'vitest';
import { firstPauseMs, pauseMs } from './probe-schedule.js';

test.each<[number, boolean, number, number]>([
  [5000, false, 0, 5000],
  [5000, false, 0.5, 4500],
  [5000, false, 1, 4000],
  [5000, true, 0, 1000],
  [5000, true, 1, 800],
  [200, true, 0, 200],
  [200, false, 0.5, 180],
])('every %i ms, out: %s, random %d: %i', (interval, out, random, pause) => {
  expect(pauseMs(interval, out, () => random)).toBe(pause);
});

test('the first comes at any time within the interval', () => {
  expect([0, 0.25, 1].map((random) => firstPauseMs(4000, () => random))).toEqual([0, 1000, 4000]);
});
