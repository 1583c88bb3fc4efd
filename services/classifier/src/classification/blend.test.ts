import { expect, test } from 'vitest';
import { argmax, blend, maximum } from './blend.js';

test('P = (1 - lambda) softmax(a z) + lambda K', () => {
  const shares = Float64Array.of(0.1, 0.9);
  blend(Float32Array.of(2, 1), shares, { scale: 3, lambda: 0.25 });
  const first = 1 / (1 + Math.exp(-3));
  expect(shares[0]).toBeCloseTo(0.75 * first + 0.25 * 0.1, 12);
  expect(shares[1]).toBeCloseTo(0.75 * (1 - first) + 0.25 * 0.9, 12);
});

test('huge logits neither overflow nor lose the share of the neighbours', () => {
  const shares = Float64Array.of(0.5, 0.5);
  blend(Float32Array.of(1e30, -1e30), shares, { scale: 6, lambda: 0.5 });
  expect([...shares]).toEqual([0.75, 0.25]);
});

test('a class the head does not know has the share of its neighbours', () => {
  const shares = Float64Array.of(0.5, 0.5);
  blend(Float32Array.of(1, Number.NEGATIVE_INFINITY), shares, { scale: 2, lambda: 0.2 });
  expect(shares[0]).toBeCloseTo(0.9, 12);
  expect(shares[1]).toBeCloseTo(0.1, 12);
});

test('the first of equals is the largest', () => {
  expect(argmax([1, 3, 3])).toBe(1);
  expect(argmax([])).toBe(-1);
  expect(maximum([1, 3, 3])).toBe(3);
  expect(maximum([])).toBe(Number.NEGATIVE_INFINITY);
});
