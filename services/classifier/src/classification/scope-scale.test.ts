import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scopeScale, scopeScore } from './scope-scale.js';

const closenesses = fc.array(fc.double({ min: -20, max: 40, noNaN: true }), { maxLength: 800 });

test('is strictly between 0 and 1 and never falls as closeness grows', () => {
  fc.assert(
    fc.property(closenesses, (values) => {
      const scale = scopeScale(values);
      let before = 0;
      for (let g = -30; g <= 50; g += 0.25) {
        const score = scopeScore(scale, g);
        expect(score).toBeGreaterThan(0);
        expect(score).toBeLessThanOrEqual(1);
        expect(score).toBeGreaterThanOrEqual(before);
        before = score;
      }
    }),
  );
});

test('is the share of exemplars that are as far or farther', () => {
  fc.assert(
    fc.property(fc.integer({ min: 50, max: 5000 }), (count) => {
      const values = Array.from({ length: count }, (_, i) => (20 * i) / count);
      const scale = scopeScale(values);
      for (const share of [0.05, 0.25, 0.5, 0.9])
        expect(Math.abs(scopeScore(scale, 20 * share) - share)).toBeLessThan(4 / count + 0.06);
    }),
    { numRuns: 20 },
  );
});

test('rejects about alpha of what it was made of', () => {
  const values = Array.from({ length: 2000 }, (_, i) => Math.sin(i * 12.9898) * 5 + 12);
  const scale = scopeScale(values);
  for (const alpha of [0.02, 0.05, 0.2]) {
    const rejected = values.filter((value) => scopeScore(scale, value) < alpha).length;
    expect(Math.abs(rejected / values.length - alpha)).toBeLessThan(0.01);
  }
});

test('with nothing to go by it knows what is usual', () => {
  const scale = scopeScale([]);
  expect(scope(scale, 3)).toBeLessThan(0.05);
  expect(scope(scale, 14)).toBeGreaterThan(0.5);
  function scope(of: typeof scale, g: number) {
    return scopeScore(of, g);
  }
});
