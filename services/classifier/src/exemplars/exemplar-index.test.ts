import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExemplarIndex } from './exemplar-index.js';

const DIMENSIONS = 4;
const K = 5;

const unit = (values: readonly number[]): Float32Array => {
  const norm = Math.hypot(...values) || 1;
  return Float32Array.from(values, (value) => value / norm);
};
const dot = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);

/** What the index stands for, without a graph. */
class BruteForce {
  readonly entries = new Map<string, { intent: string; vector: Float32Array }>();

  sizeOf(intent: string): number {
    return [...this.entries.values()].filter((entry) => entry.intent === intent).length;
  }

  similarities(vector: Float32Array, k: number): number[] {
    const all = [...this.entries.values()].map((entry) => dot(entry.vector, vector));
    return all.sort((a, b) => b - a).slice(0, k);
  }
}

const vectors = fc
  .array(fc.integer({ min: -100, max: 100 }), { minLength: DIMENSIONS, maxLength: DIMENSIONS })
  .filter((values) => values.some((value) => value !== 0))
  .map(unit);
const id = fc.integer({ min: 0, max: 60 }).map((n) => `id-${n}`);
const intent = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('put' as const), id, intent, vector: vectors }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('removeIntent' as const), intent }) },
);

function agree(index: ExemplarIndex, model: BruteForce, query: Float32Array): void {
  expect(index.size).toBe(model.entries.size);
  for (const name of ['a', 'b', 'c']) expect(index.sizeOf(name)).toBe(model.sizeOf(name));
  const found = index.search(query, K);
  const best = model.similarities(query, K);
  expect(found).toHaveLength(best.length);
  found.forEach((near, rank) => {
    const entry = model.entries.get(near.id);
    expect(near.intent).toBe(entry?.intent);
    // Equally near ones may come in any order: ranks are compared by their similarity.
    expect(near.similarity).toBeCloseTo(best[rank] ?? Number.NaN, 4);
    expect(near.similarity).toBeCloseTo(entry ? dot(entry.vector, query) : Number.NaN, 4);
  });
}

test('agrees with brute force after any changes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), vectors, (steps, query) => {
      const index = new ExemplarIndex(DIMENSIONS);
      const model = new BruteForce();
      for (const change of steps) {
        if (change.kind === 'put') {
          const { id, intent } = change;
          index.put(id, intent, change.vector);
          const vector = model.entries.get(id)?.vector ?? change.vector;
          model.entries.set(id, { intent, vector });
        } else if (change.kind === 'remove') {
          index.remove(change.id);
          model.entries.delete(change.id);
        } else {
          index.removeIntent(change.intent);
          for (const [id, entry] of model.entries)
            if (entry.intent === change.intent) model.entries.delete(id);
        }
      }
      agree(index, model, query);
    }),
    { numRuns: 150 },
  );
});

describe('many exemplars', () => {
  const COUNT = 2500;
  /** Points on a circle, so that the nearest one of each is itself. */
  const around = (n: number) =>
    unit([Math.cos((2 * Math.PI * n) / COUNT), Math.sin((2 * Math.PI * n) / COUNT), 0, 0]);

  test('grows past its first capacity and finds every one', () => {
    const index = new ExemplarIndex(DIMENSIONS);
    for (let n = 0; n < COUNT; n++) index.put(`id-${n}`, 'a', around(n));
    expect(index.size).toBe(COUNT);
    const missed = Array.from({ length: COUNT }, (_, n) => n).filter(
      (n) => index.search(around(n), 1)[0]?.id !== `id-${n}`,
    );
    expect(missed).toEqual([]);
  });

  test('takes the places of removed ones again, and never shows a removed one', () => {
    const index = new ExemplarIndex(DIMENSIONS);
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 1000; n++) index.put(`id-${round}-${n}`, 'a', around(n));
      expect(index.size).toBe(1000);
      const found = index.search(around(round), 20);
      expect(found).toHaveLength(20);
      expect(found.every(({ id }) => id.startsWith(`id-${round}-`))).toBe(true);
      index.removeIntent('a');
      expect(index.search(around(round), 20)).toEqual([]);
    }
  });

  test('finds the few that are left of many', () => {
    const index = new ExemplarIndex(DIMENSIONS);
    for (let n = 0; n < COUNT; n++)
      index.put(`id-${n}`, n % 500 === 0 ? 'kept' : 'gone', around(n));
    index.removeIntent('gone');
    const found = index.search(around(1), 10).map(({ id }) => id);
    expect(found.sort()).toEqual(['id-0', 'id-1000', 'id-1500', 'id-2000', 'id-500']);
  });
});

test('an empty index, an unknown id and k beyond the size are no errors', () => {
  const index = new ExemplarIndex(DIMENSIONS);
  expect(index.search(unit([1, 0, 0, 0]), 3)).toEqual([]);
  index.remove('nothing');
  index.removeIntent('nothing');
  index.put('one', 'a', unit([1, 0, 0, 0]));
  expect(index.search(unit([1, 0, 0, 0]), 100)).toEqual([
    { id: 'one', intent: 'a', similarity: 1 },
  ]);
});
