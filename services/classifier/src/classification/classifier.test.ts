import { expect, test } from 'vitest';
import type { Embedder } from '../embedding/embedder.js';
import { Catalog } from '../exemplars/catalog.js';
import { Classifier } from './classifier.js';

const vector = Float32Array.of(1, 0);
const embedder = { embed: async () => ({ vector, tokens: 1 }) } as unknown as Embedder;

function catalogOf(...ids: string[]): Catalog {
  const catalog = new Catalog({ dimensions: 2, modelDigest: 'model' });
  catalog.apply({
    version: 1,
    type: 'exemplars-added',
    intents: [{ name: 'a', description: '', threshold: null }],
    exemplars: ids.map((id) => ({ id, intent: 'a', text: `text of ${id}`, vector })),
  });
  return catalog;
}

test('a change while the texts are read neither changes the answer nor its version', async () => {
  const catalog = catalogOf('kept', 'removed');
  const classifier = new Classifier(embedder, catalog, async () => {
    catalog.apply({ version: 2, type: 'exemplar-removed', id: 'removed' });
    return new Map([['kept', 'text of kept']]);
  });
  const answer = await classifier.classify('prompt', { explain: true });
  expect(catalog.version).toBe(2);
  expect(answer).toMatchObject({ intent: 'a', indexVersion: 1 });
  expect(new Map(answer.neighbours?.map(({ id, text }) => [id, text]))).toEqual(
    new Map([
      ['kept', 'text of kept'],
      ['removed', ''],
    ]),
  );
});

test('texts are read only when they are shown', async () => {
  const asked: (readonly string[])[] = [];
  const classifier = new Classifier(embedder, catalogOf('one'), async (ids) => {
    asked.push(ids);
    return new Map();
  });
  expect(await classifier.classify('prompt')).not.toHaveProperty('neighbours');
  expect(asked).toEqual([]);
  await classifier.classify('prompt', { k: 1 });
  expect(asked).toEqual([['one']]);
});

test('a prompt is in scope from the threshold on: alpha, or that of the best intent', async () => {
  const catalog = catalogOf('one');
  const classifier = new Classifier(embedder, catalog, async () => new Map());
  const { scopeScore } = await classifier.classify('prompt');
  const settle = async (alpha: number, threshold: number | null) => {
    const intent = { name: 'a', description: '', threshold };
    const version = catalog.version + 1;
    catalog.apply({ version, type: 'settings-put', settings: { alpha } });
    catalog.apply({ version: version + 1, type: 'intent-put', intent });
    const { intent: found, inScope, confidence, alternatives } = await classifier.classify('p');
    expect(found).toBe(inScope ? 'a' : null);
    expect(alternatives[0]).toEqual({ intent: 'a', confidence });
    return inScope;
  };
  expect(await settle(scopeScore, null)).toBe(true);
  expect(await settle(scopeScore + 1e-6, null)).toBe(false);
  expect(await settle(1, scopeScore)).toBe(true);
  expect(await settle(0, scopeScore + 1e-6)).toBe(false);
  expect(await settle(1, -1)).toBe(true);
  expect(await settle(0, 1000)).toBe(false);
});

test('without exemplars nothing is known', async () => {
  const catalog = new Catalog({ dimensions: 2, modelDigest: 'model' });
  expect(await new Classifier(embedder, catalog, async () => new Map()).classify('p')).toEqual({
    intent: null,
    confidence: 0,
    score: 0,
    scopeScore: 0,
    inScope: false,
    alternatives: [],
    indexVersion: 0,
  });
});

test('a text that is asked again is decided again only after a change', async () => {
  const catalog = catalogOf('one', 'two');
  const classifier = new Classifier(embedder, catalog, async () => new Map());
  const first = await classifier.classify('prompt');
  expect(await classifier.classify('prompt')).toBe(first);
  catalog.apply({ version: 2, type: 'exemplar-removed', id: 'one' });
  const second = await classifier.classify('prompt');
  expect(second).toMatchObject({ intent: 'a', indexVersion: 2 });
  catalog.apply({ version: 3, type: 'exemplar-removed', id: 'two' });
  expect(await classifier.classify('prompt')).toMatchObject({ intent: null, indexVersion: 3 });
});
