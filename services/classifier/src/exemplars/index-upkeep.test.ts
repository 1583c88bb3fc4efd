import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { ExemplarIndex } from './exemplar-index.js';
import { dot, promptLike } from './test-support/vectors.js';

const DIMENSIONS = 32;
const vectors = Array.from({ length: 4000 }, (_, n) => promptLike(n, DIMENSIONS));
const at = (n: number) => vectors[n] as Float32Array;
const put = (index: ExemplarIndex, n: number, intent = 'a') =>
  index.put({ id: `id-${n}`, intent, version: n }, at(n));

/** Share of the ten nearest, by brute force, that are found. */
function recall(index: ExemplarIndex, live: readonly number[], queries = 100): number {
  let hits = 0;
  for (let q = 0; q < queries; q++) {
    const query = promptLike(10_000 + q, DIMENSIONS);
    const nearest = live
      .map((n) => ({ id: `id-${n}`, similarity: dot(at(n), query) }))
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, 10);
    const found = new Set(index.search(query, 10).map(({ id }) => id));
    hits += nearest.filter(({ id }) => found.has(id)).length;
  }
  return hits / (10 * queries);
}
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('finds what brute force finds, whatever the order of insertion', async () => {
  const [one, other] = [new ExemplarIndex(DIMENSIONS), new ExemplarIndex(DIMENSIONS)];
  for (const n of range(0, 3000)) put(one, n);
  for (const n of range(0, 3000).reverse()) put(other, n);
  await Promise.all([one.settled(), other.settled()]);
  expect(recall(one, range(0, 3000))).toBeGreaterThanOrEqual(0.99);
  expect(recall(other, range(0, 3000))).toBeGreaterThanOrEqual(0.99);
  let same = 0;
  for (const q of range(0, 100)) {
    const query = promptLike(20_000 + q, DIMENSIONS);
    const ids = (index: ExemplarIndex) => index.search(query, 20).map(({ id }) => id);
    if (JSON.stringify(ids(one)) === JSON.stringify(ids(other))) same++;
  }
  expect(same).toBeGreaterThanOrEqual(95);
  await Promise.all([one.close(), other.close()]);
});

test('many additions at once are found at once, and let the event loop turn', async () => {
  const index = new ExemplarIndex(DIMENSIONS);
  for (const n of range(0, 1000)) put(index, n);
  for (const n of [0, 500, 999]) expect(index.search(at(n), 1)[0]?.id).toBe(`id-${n}`);
  let settled = false;
  const settling = index.settled().then(() => {
    settled = true;
  });
  let turns = 0;
  for (; !settled; turns++) await setImmediate();
  await settling;
  expect(turns).toBeGreaterThan(3);
  for (const n of [0, 500, 999]) expect(index.search(at(n), 1)[0]?.id).toBe(`id-${n}`);
  await index.close();
});

test('writers of many wait for room', async () => {
  const index = new ExemplarIndex(DIMENSIONS);
  for (const n of range(0, 2000)) put(index, n);
  let hasRoom = false;
  const waiting = index.room().then(() => {
    hasRoom = true;
  });
  await Promise.resolve();
  expect(hasRoom).toBe(false);
  await waiting;
  await index.close();
  await index.settled();
});

test('while it is written, it is searched and changed, and the file is what it was', async () => {
  await using directory = await temporaryDirectory();
  const index = new ExemplarIndex(DIMENSIONS);
  for (const n of range(0, 2000)) put(index, n);
  await index.settled();
  const saving = index.save(join(directory.path, 'graph'), (entries) => entries.length);
  await setImmediate();
  put(index, 3000, 'b');
  index.remove('id-7');
  index.put({ id: 'id-8', intent: 'b', version: 9000 }, at(8));
  expect(index.search(at(3000), 1)[0]).toMatchObject({ id: 'id-3000', intent: 'b' });
  expect(index.search(at(7), 1)[0]?.id).not.toBe('id-7');
  expect(index.search(at(8), 1)[0]).toMatchObject({ intent: 'b', version: 9000 });
  expect(await saving).toBe(2000);
  await index.settled();
  expect(index.search(at(3000), 1)[0]?.id).toBe('id-3000');
  expect(index.search(at(7), 1)[0]?.id).not.toBe('id-7');
  await index.close();
});

test('with too many removed, it is built anew while it serves and changes', async () => {
  await using directory = await temporaryDirectory();
  const problems: unknown[] = [];
  const index = new ExemplarIndex(DIMENSIONS, {
    directory: directory.path,
    onProblem: (error) => problems.push(error),
  });
  for (const n of range(0, 3000)) put(index, n, n < 2000 ? 'gone' : 'kept');
  await index.settled();
  expect(index.places).toBe(3000);
  index.removeIntent('gone');
  // The thread needs longer to start than these need to be changed.
  await setImmediate();
  for (const n of range(3000, 3300)) put(index, n, 'new');
  for (const n of range(2000, 2100)) index.remove(`id-${n}`);
  const live = range(2100, 3300);
  expect(recall(index, live, 20)).toBeGreaterThanOrEqual(0.99);
  while (index.places >= 3000) {
    expect(index.search(at(2500), 1)[0]?.id).toBe('id-2500');
    await setImmediate();
  }
  await index.settled();
  expect(index.places).toBeLessThan(1500);
  expect(index.size).toBe(live.length);
  expect(recall(index, live)).toBeGreaterThanOrEqual(0.99);
  for (const n of range(0, 100)) put(index, n, 'back');
  await index.settled();
  expect(recall(index, [...range(0, 100), ...live])).toBeGreaterThanOrEqual(0.99);
  expect(problems).toEqual([]);
  expect(await readdir(directory.path)).toEqual([]);
  await index.close();
});

test('without a disk to grow by way of, it grows in place and says so', async () => {
  await using directory = await temporaryDirectory();
  const problems: string[] = [];
  await writeFile(join(directory.path, 'file'), '');
  const index = new ExemplarIndex(DIMENSIONS, {
    directory: join(directory.path, 'file', 'in the way'),
    onProblem: (_, what) => problems.push(what),
    capacity: 100,
  });
  for (const n of range(0, 150)) put(index, n);
  await index.settled();
  expect(index.places).toBe(150);
  expect(recall(index, range(0, 150))).toBeGreaterThanOrEqual(0.99);
  await index.close();
  expect(problems).toEqual(['the index grew in place']);
});
