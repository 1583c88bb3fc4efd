import { expect, test } from 'vitest';
import { FirstByteTimes } from './first-byte-times.js';

const timesOf = (...ms: number[]) => {
  const times = new FirstByteTimes();
  for (const one of ms) times.add(one);
  return times;
};
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

test.each([
  [95, 100, 95],
  [50, 100, 50],
  [95, 10, 10],
  [99.9, 100, 100],
])('the %d th percentile of 1 to %i is %i, by nearest rank', (percentile, count, value) => {
  expect(timesOf(...upTo(count).reverse()).percentile(percentile, 1)).toBe(value);
});

test('is not known before there are enough', () => {
  const times = timesOf(...upTo(19));
  expect(times.percentile(95, 20)).toBeUndefined();
  times.add(7);
  expect(times.percentile(95, 20)).toBe(18);
  expect(timesOf().percentile(95, 0)).toBeUndefined();
});

test('follows a pool that changes, and forgets what is long ago', () => {
  const times = timesOf(...upTo(100).map(() => 1000));
  expect(times.percentile(95, 20)).toBe(1000);
  for (let i = 0; i < 512; i++) times.add(10);
  expect(times.percentile(95, 20)).toBe(10);
});
