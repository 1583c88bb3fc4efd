import { describe, expect, test } from 'vitest';
import { rendezvous } from '../balancing/rendezvous.js';
import { type Variant, variantsInTurn } from './variants.js';

const keys = Array.from({ length: 10_000 }, (_, i) => `session ${i}`);
const splitting = (...percents: number[]): Variant[] =>
  percents.map((percent, index) => ({ name: `v${index}`, percent }));
const chosen = (variants: Variant[], key: string, pool = 'p') =>
  variantsInTurn(pool, variants, key)[0]?.name;
const shares = (variants: Variant[]) =>
  variants.map(
    ({ name }) => (100 * keys.filter((key) => chosen(variants, key) === name).length) / keys.length,
  );

describe('the split', () => {
  test.each([[[95, 5]], [[50, 50]], [[1, 99]], [[60, 30, 10]], [[33.3, 33.3, 33.4]]])(
    'of 10,000 keys is within 1 %% of %j',
    (percents) => {
      for (const [index, share] of shares(splitting(...percents)).entries())
        expect(Math.abs(share - (percents[index] ?? 0))).toBeLessThan(1);
    },
  );

  test('gives nothing to one with 0 %, and all to one with 100', () => {
    expect(shares(splitting(0, 100))).toEqual([0, 100]);
    expect(shares(splitting(100, 0))).toEqual([100, 0]);
    expect(variantsInTurn('p', splitting(100, 0), 'k').map(({ name }) => name)).toEqual(['v0']);
  });

  test('that is changed moves the keys between the marks alone', () => {
    const [before, after] = [splitting(95, 5), splitting(90, 10)];
    const moved = keys.filter((key) => chosen(before, key) !== chosen(after, key));
    expect(moved.every((key) => chosen(before, key) === 'v0')).toBe(true);
    expect(Math.abs(moved.length / keys.length - 0.05)).toBeLessThan(0.01);
  });

  test('is another one in another pool', () => {
    const same = keys.filter(
      (key) => chosen(splitting(50, 50), key) === chosen(splitting(50, 50), key, 'q'),
    );
    expect(Math.abs(same.length / keys.length - 0.5)).toBeLessThan(0.03);
  });
});

test('does not tell which backend a key has', () => {
  const backends = ['a', 'b'].map((name) => ({ id: `p/${name}`, weight: 1 }));
  const onA = (key: string) => rendezvous(key, backends)[0]?.id === 'p/a';
  const v0 = keys.filter((key) => chosen(splitting(50, 50), key) === 'v0');
  expect(Math.abs(v0.filter(onA).length / v0.length - 0.5)).toBeLessThan(0.03);
});

test('the others stand in, in the order of the file', () => {
  const variants = splitting(40, 30, 30);
  for (const key of keys.slice(0, 50)) {
    const [first, ...others] = variantsInTurn('p', variants, key).map(({ name }) => name);
    expect(others).toEqual(['v0', 'v1', 'v2'].filter((name) => name !== first));
  }
});
