import { beforeAll, describe, expect, test } from 'vitest';
import type { StoredExemplar } from '../../exemplars/exemplar.js';
import type { Head } from '../head.js';
import { decodeHead, encodeHead } from '../head-codec.js';
import { Scoring } from '../scoring.js';
import { loadObjective } from './head-objective.js';
import { loadNearest } from './nearest-rows.js';
import type { TrainingSessions } from './out-of-fold.js';
import { around, clusters, DIMENSIONS } from './test-support/clusters.js';
import { trainHead } from './train-head.js';

let sessions: TrainingSessions;
beforeAll(async () => {
  sessions = { objective: await loadObjective(), nearest: await loadNearest() };
});

const train = (exemplars: readonly StoredExemplar[], before?: Head) =>
  trainHead(sessions, {
    modelDigest: 'model',
    dimensions: DIMENSIONS,
    version: 1,
    exemplars,
    about: new Map(),
    before: before?.report,
  });

/** A head at work, with every exemplar as a neighbour. */
function serving(head: Head, exemplars: readonly StoredExemplar[]) {
  const present = new Map(exemplars.map((one) => [one.id, one]));
  const scoring = new Scoring(DIMENSIONS, head, exemplars, (id) => present.get(id)?.vector);
  return {
    add: (exemplar: StoredExemplar) => {
      present.set(exemplar.id, exemplar);
      scoring.enter(exemplar, exemplar.vector);
    },
    remove: (exemplar: StoredExemplar) => {
      present.delete(exemplar.id);
      scoring.leave(exemplar, exemplar.vector);
    },
    isCurrent: () => scoring.isCurrent,
    ask: (text: string, vector: Float32Array) => {
      const neighbours = [...present.values()]
        .map(({ id, intent, version, vector: other }) => ({
          id,
          intent,
          version,
          similarity: other.reduce((sum, value, i) => sum + value * (vector[i] ?? 0), 0),
        }))
        .sort((a, b) => b.similarity - a.similarity)
        .slice(0, scoring.voters);
      const { ranked, scopeScore } = scoring.score({ text, vector, neighbours });
      return { intent: ranked[0]?.intent, confidence: ranked[0]?.confidence ?? 0, scopeScore };
    },
  };
}

test('the order of the exemplars does not matter', async () => {
  const exemplars = clusters(4, 12);
  const one = await train(exemplars);
  const other = await train([...exemplars].reverse());
  expect(other).toEqual(one);
});

test('it knows its own from foreign', async () => {
  const exemplars = clusters(4, 15);
  const { ask, isCurrent } = serving(await train(exemplars), exemplars);
  expect(isCurrent()).toBe(true);
  for (let label = 0; label < 4; label++)
    for (let n = 1000; n < 1010; n++) {
      const answer = ask(`thing${label} at last`, around(label, n));
      expect(answer.intent).toBe(`intent-${label}`);
      expect(answer.confidence).toBeGreaterThan(0.7);
    }
  const foreign = [6, 7, 8, 9].map((label) => ask('quite another matter', around(label, 1)));
  const own = [0, 1, 2, 3].map((label) => ask(`thing${label} again`, around(label, 2000)));
  expect(Math.max(...foreign.map(({ scopeScore }) => scopeScore))).toBeLessThan(0.05);
  expect(Math.min(...own.map(({ scopeScore }) => scopeScore))).toBeGreaterThan(0.05);
});

describe('what the head has not learned', () => {
  test('counts at once, and no longer when it is removed', async () => {
    const exemplars = clusters(4, 15);
    const { ask, add, remove, isCurrent } = serving(await train(exemplars), exemplars);
    const asked = () => ask('something new', around(9, 500));
    const before = asked();
    const fresh = clusters(1, 5).map((one, n) => ({
      ...one,
      id: `fresh-${n}`,
      intent: 'new',
      vector: around(9, n),
      version: 2,
    }));
    for (const one of fresh) add(one);
    expect(isCurrent()).toBe(false);
    expect(asked()).toMatchObject({ intent: 'new' });
    expect(asked().scopeScore).toBeGreaterThan(before.scopeScore);
    for (const one of fresh) remove(one);
    expect(asked()).toEqual(before);
    expect(isCurrent()).toBe(true);
  });

  test('an intent without exemplars is no answer', async () => {
    const exemplars = clusters(3, 8);
    const { ask, remove } = serving(await train(exemplars), exemplars);
    for (const one of exemplars) if (one.intent === 'intent-1') remove(one);
    expect(ask('thing1', around(1, 77)).intent).not.toBe('intent-1');
  });

  test('the text of a fresh exemplar has its intent, whatever the head thinks', async () => {
    const exemplars = clusters(4, 15);
    const { ask, add } = serving(await train(exemplars), exemplars);
    const vector = around(0, 400);
    expect(ask('thing0 in disguise', vector).intent).toBe('intent-0');
    const text = 'thing0 in disguise';
    add({ id: 'fresh', intent: 'intent-2', text, vector, version: 2 });
    expect(ask(text, vector).intent).toBe('intent-2');
  });
});

test.each([
  [1, 1],
  [1, 8],
  [2, 1],
  [3, 2],
])('%i intents of %i exemplars are trained, with a word of caution', async (classes, each) => {
  const exemplars = clusters(classes, each);
  const head = await train(exemplars);
  expect(head.report.method.caution).toMatch(/add exemplars$/);
  const { ask } = serving(head, exemplars);
  for (const { text, vector, intent } of exemplars) expect(ask(text, vector).intent).toBe(intent);
});

test('is the same after it was stored, and is not read for another model', async () => {
  const head = await train(clusters(3, 6));
  const bytes = encodeHead(head);
  expect(decodeHead(bytes, 'model')).toEqual(head);
  expect(decodeHead(bytes, 'another')).toBeUndefined();
  expect(decodeHead(bytes.subarray(0, bytes.length / 2), 'model')).toBeUndefined();
});
