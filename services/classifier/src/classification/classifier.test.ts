import { expect, test } from 'vitest';
import type { Embedder } from '../embedding/embedder.js';
import { Catalog } from '../exemplars/catalog.js';
import { Classifier } from './classifier.js';
import { neighbourVote } from './neighbour-vote.js';

const vector = Float32Array.of(1, 0);
const embedder = { embed: async () => ({ vector, tokens: 1 }) } as unknown as Embedder;

function catalogOf(...ids: string[]): Catalog {
  const catalog = new Catalog(2);
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
  const classifier = new Classifier(embedder, catalog, neighbourVote, async () => {
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
  const classifier = new Classifier(embedder, catalogOf('one'), neighbourVote, async (ids) => {
    asked.push(ids);
    return new Map();
  });
  expect(await classifier.classify('prompt')).not.toHaveProperty('neighbours');
  expect(asked).toEqual([]);
  await classifier.classify('prompt', { k: 1 });
  expect(asked).toEqual([['one']]);
});

test('the scorer sees the text, its vector and the neighbours it asked for', async () => {
  const seen: unknown[] = [];
  const scorer = {
    neighbours: 2,
    score: (evidence: unknown) => {
      seen.push(evidence);
      return { ranked: [], score: 0, inScope: false };
    },
  };
  const classifier = new Classifier(
    embedder,
    catalogOf('x', 'y', 'z'),
    scorer,
    async () => new Map(),
  );
  await classifier.classify('prompt');
  const neighbour = expect.objectContaining({ intent: 'a', similarity: 1 });
  expect(seen).toEqual([{ text: 'prompt', vector, neighbours: [neighbour, neighbour] }]);
});
