import { beforeAll, expect, test } from 'vitest';
import { loadObjective } from '../classification/training/head-objective.js';
import { loadNearest } from '../classification/training/nearest-rows.js';
import type { TrainingSessions } from '../classification/training/out-of-fold.js';
import { around, clusters, DIMENSIONS } from '../classification/training/test-support/clusters.js';
import { trainHead } from '../classification/training/train-head.js';
import type { StoredExemplar } from '../exemplars/exemplar.js';

let sessions: TrainingSessions;
beforeAll(async () => {
  sessions = { objective: await loadObjective(), nearest: await loadNearest() };
});

async function reportOn(exemplars: readonly StoredExemplar[], before?: StoredExemplar[]) {
  const task = { modelDigest: 'model', dimensions: DIMENSIONS, version: 1, about: new Map() };
  const first =
    before && (await trainHead(sessions, { ...task, exemplars: before, before: undefined }));
  const head = await trainHead(sessions, { ...task, exemplars, before: first?.report });
  return head.report;
}

const exemplar = (id: string, intent: string, text: string, vector: Float32Array) => ({
  id,
  intent,
  text,
  vector,
  version: 1,
});

test('clear intents are told apart, and nothing is suspicious', async () => {
  const report = await reportOn(clusters(4, 15));
  expect(report.accuracy).toBeGreaterThan(0.95);
  expect(report).toMatchObject({ evaluated: 60, exemplars: 60, since: null, tooSmall: [] });
  expect(report.method.caution).toBeNull();
  expect(report.suspicious.mislabelled).toEqual([]);
  expect(report.suspicious.nearDuplicates).toEqual([]);
});

test('an exemplar among those of another intent is suspected', async () => {
  const strayed = exemplar('strayed', 'intent-0', 'thing2 number 7000', around(2, 7000));
  const { suspicious, confusedPairs } = await reportOn([...clusters(4, 20), strayed]);
  expect(suspicious.mislabelled).toMatchObject([
    { id: 'strayed', intent: 'intent-0', predicted: 'intent-2', text: strayed.text },
  ]);
  expect(confusedPairs[0]).toMatchObject({
    intent: 'intent-0',
    predicted: 'intent-2',
    examples: [{ id: 'strayed' }],
  });
});

test('one that is like nothing else is an outlier', async () => {
  const lonely = exemplar('lonely', 'intent-1', 'zebra crossing ahead', around(12, 1, 0.1));
  const { suspicious } = await reportOn([...clusters(4, 30), lonely]);
  expect(suspicious.outliers.map(({ id }) => id)).toContain('lonely');
});

test('nearly the same text under two intents is shown as a pair', async () => {
  const vector = around(3, 42);
  const twins = [
    exemplar('one', 'intent-3', 'thing3 twin', vector),
    exemplar('other', 'intent-1', 'thing3 twin!', around(3, 42, 0.601)),
  ];
  const { suspicious } = await reportOn([...clusters(4, 15), ...twins]);
  expect(suspicious.nearDuplicates).toHaveLength(1);
  const [pair] = suspicious.nearDuplicates;
  expect(pair?.exemplars.map(({ id }) => id).sort()).toEqual(['one', 'other']);
  expect(pair?.similarity).toBeGreaterThan(0.99);
});

test('finds all pairs, also of exemplars that are held out together', async () => {
  const twins = Array.from({ length: 20 }, (_, n) => {
    const vector = around(n % 4, 5000 + n);
    return [
      exemplar(`one-${n}`, `intent-${n % 4}`, `twin ${n} of ${n % 4}`, vector),
      exemplar(`other-${n}`, `intent-${(n + 1) % 4}`, `twin ${n}, the other`, vector),
    ];
  });
  const { suspicious } = await reportOn([...clusters(4, 15), ...twins.flat()]);
  expect(suspicious.nearDuplicates).toHaveLength(20);
});

test('an intent that is left with one exemplar, or begins with one, is counted', async () => {
  const before = clusters(3, 8);
  // Every object has something of this name.
  const single = exemplar('single', 'constructor', 'all alone', around(9, 1));
  const after = before.filter(({ intent }, n) => intent !== 'intent-1' || n === 1);
  const { since } = await reportOn([...after, single], before);
  const counts = new Map(since?.intents.map(({ intent, exemplars }) => [intent, exemplars]));
  expect(counts.get('intent-1')).toEqual({ before: 8, now: 1 });
  expect(counts.get('constructor')).toEqual({ before: 0, now: 1 });
});

test('says what the last additions did', async () => {
  const before = clusters(4, 12);
  const fresh = Array.from({ length: 8 }, (_, n) =>
    exemplar(`fresh-${n}`, 'new', `new thing ${n}`, around(9, n)),
  );
  const { since, accuracy } = await reportOn([...before, ...fresh], before);
  expect(since).toMatchObject({ exemplars: 48, change: { exemplars: 8 } });
  expect(since?.change.accuracy).toBeCloseTo((accuracy ?? 0) - (since?.accuracy ?? 0), 9);
  expect(since?.intents[0]).toMatchObject({
    intent: 'new',
    exemplars: { before: 0, now: 8 },
    recall: { before: null },
  });
});

test('intents that are too small to judge are named', async () => {
  const small = [
    exemplar('a', 'single', 'alone', around(10, 1)),
    exemplar('b', 'pair', 'one of two', around(11, 1)),
    exemplar('c', 'pair', 'two of two', around(11, 2)),
  ];
  const { tooSmall, evaluated } = await reportOn([...clusters(3, 20), ...small]);
  expect(tooSmall.map(({ intent, exemplars }) => [intent, exemplars])).toEqual([
    ['pair', 2],
    ['single', 1],
  ]);
  expect(evaluated).toBe(62);
});
