import { beforeEach, expect, test } from 'vitest';
import type { Embedder, EmbedOptions } from '../embedding/embedder.js';
import { Catalog } from './catalog.js';
import { exemplarId } from './exemplar.js';
import { ExemplarRegistry } from './exemplar-registry.js';
import type { ExemplarStore } from './exemplar-store.js';

const vector = Float32Array.of(1, 0);
let embedded: [text: string, priority: EmbedOptions['priority']][];
let registry: ExemplarRegistry;

beforeEach(() => {
  embedded = [];
  const embedder = {
    parallelism: 1,
    embed: async (text: string, options?: EmbedOptions) => {
      embedded.push([text, options?.priority]);
      return { vector, tokens: 1 };
    },
  } as Partial<Embedder> as Embedder;
  const stored = exemplarId('stored');
  const store = {
    vectors: async (ids) => new Map(ids.includes(stored) ? [[stored, vector]] : []),
    add: async (exemplars) => ({ added: [...exemplars], duplicates: [], conflicts: [] }),
  } as Partial<ExemplarStore> as ExemplarStore;
  registry = new ExemplarRegistry(
    store,
    new Catalog({ dimensions: 2, modelDigest: 'model' }),
    embedder,
  );
});

test('bulk loads let live prompts go first, an inline addition is one of them', async () => {
  await registry.add([{ intent: 'a', text: 'from a file' }], 'reject');
  await registry.addTo('a', ['by hand'], 'reject');
  expect(embedded).toEqual([
    ['from a file', 'bulk'],
    ['by hand', 'live'],
  ]);
});

test('what is stored is not embedded again', async () => {
  const { added } = await registry.add(
    ['stored', 'new'].map((text) => ({ intent: 'a', text })),
    'reject',
  );
  expect(embedded.map(([text]) => text)).toEqual(['new']);
  expect(added).toEqual(
    ['stored', 'new'].map((text) => ({ id: exemplarId(text), intent: 'a', text, vector })),
  );
});
