import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ExemplarIndex } from './exemplar-index.js';
import { dot, gaussian, unit } from './test-support/vectors.js';

const DIMENSIONS = 4;
const K = 5;
/** Small, so that a graph grows often. */
const options = { capacity: 16 };

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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const) }) },
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
  return fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 150 }), vectors, async (steps, query) => {
      const index = new ExemplarIndex(DIMENSIONS, options);
      const model = new BruteForce();
      for (const change of steps) {
        if (change.kind === 'put') {
          const { id, intent } = change;
          index.put({ id, intent, version: 1 }, change.vector);
          const vector = model.entries.get(id)?.vector ?? change.vector;
          model.entries.set(id, { intent, vector });
        } else if (change.kind === 'remove') {
          index.remove(change.id);
          model.entries.delete(change.id);
        } else if (change.kind === 'removeIntent') {
          index.removeIntent(change.intent);
          for (const [id, entry] of model.entries)
            if (entry.intent === change.intent) model.entries.delete(id);
        } else await index.settled();
        agree(index, model, query);
      }
      await index.settled();
      agree(index, model, query);
      await index.close();
    }),
    { numRuns: 100 },
  );
});

describe('many exemplars', () => {
  const COUNT = 2500;
  /** Points all over the sphere, the same in every run; the nearest one of each is itself. */
  const around = (n: number) => unit(gaussian(n, DIMENSIONS));
  const key = (id: string, intent = 'a') => ({ id, intent, version: 1 });

  test('grows past its first capacity and finds every one, before and after', async () => {
    const index = new ExemplarIndex(DIMENSIONS, { capacity: 64 });
    const missed = () =>
      Array.from({ length: index.size }, (_, n) => n).filter(
        (n) => index.search(around(n), 1)[0]?.id !== `id-${n}`,
      );
    for (let n = 0; n < COUNT; n++) {
      index.put(key(`id-${n}`), around(n));
      expect(index.search(around(n), 1)[0]?.id).toBe(`id-${n}`);
      await index.room();
    }
    expect(index.size).toBe(COUNT);
    expect(missed()).toEqual([]);
    await index.settled();
    expect(missed()).toEqual([]);
    await index.close();
  });

  test('takes the places of removed ones again, and never shows a removed one', async () => {
    const index = new ExemplarIndex(DIMENSIONS);
    for (let round = 0; round < 5; round++) {
      for (let n = 0; n < 1000; n++) index.put(key(`id-${round}-${n}`), around(n));
      if (round % 2 === 0) await index.settled();
      expect(index.size).toBe(1000);
      const found = index.search(around(round), 20);
      expect(found).toHaveLength(20);
      expect(found.every(({ id }) => id.startsWith(`id-${round}-`))).toBe(true);
      index.removeIntent('a');
      expect(index.search(around(round), 20)).toEqual([]);
    }
    await index.close();
  });

  test('finds the few that are left of many', async () => {
    const index = new ExemplarIndex(DIMENSIONS);
    for (let n = 0; n < COUNT; n++)
      index.put(key(`id-${n}`, n % 500 === 0 ? 'kept' : 'gone'), around(n));
    await index.settled();
    index.removeIntent('gone');
    const left = () => index.search(around(1), 10).map(({ id }) => id);
    const kept = ['id-0', 'id-1000', 'id-1500', 'id-2000', 'id-500'];
    expect(left().sort()).toEqual(kept);
    await index.settled();
    expect(left().sort()).toEqual(kept);
    await index.close();
  });
});

test('an empty index, an unknown id and k beyond the size are no errors', () => {
  const index = new ExemplarIndex(DIMENSIONS);
  expect(index.search(unit([1, 0, 0, 0]), 3)).toEqual([]);
  index.remove('nothing');
  index.removeIntent('nothing');
  index.put({ id: 'one', intent: 'a', version: 7 }, unit([1, 0, 0, 0]));
  expect(index.search(unit([1, 0, 0, 0]), 100)).toEqual([
    { id: 'one', intent: 'a', version: 7, similarity: 1 },
  ]);
  expect(index.vectorOf('one')).toEqual(unit([1, 0, 0, 0]));
  expect(index.vectorOf('nothing')).toBeUndefined();
});

test('a vector of another length is refused before anything changes', () => {
  const index = new ExemplarIndex(DIMENSIONS);
  const put = () => index.put({ id: 'one', intent: 'a', version: 1 }, Float32Array.of(1, 0));
  expect(put).toThrow('a vector has 4 dimensions, not 2');
  expect(index.size).toBe(0);
});
