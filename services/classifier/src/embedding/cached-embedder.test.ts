import { createRegistry } from '@switchyard/service-kit';
import { expect, test } from 'vitest';
import { cached } from './cached-embedder.js';
import type { Embedder } from './embedder.js';

/** Counts what reaches the model; every embedding is an object of its own. */
function counting() {
  const asked: string[] = [];
  const embedder = {
    embed: async (text: string) => {
      asked.push(text);
      return { vector: Float32Array.of(text.length), tokens: 1 };
    },
  } as Partial<Embedder> as Embedder;
  return { asked, embedder };
}

test('a text that was embedded lately is not embedded again', async () => {
  const { asked, embedder } = counting();
  const registry = createRegistry();
  const cache = cached(embedder, 10, registry);
  const first = await cache.embed('hello');
  expect(await cache.embed('hello')).toEqual(first);
  expect(await cache.embed('hello', { priority: 'bulk' })).toEqual(first);
  expect(asked).toEqual(['hello']);
  const hits = registry.getSingleMetric('switchyard_embedding_cache_hits_total');
  expect((await hits?.get())?.values.map(({ value }) => value)).toEqual([2]);
});

test('the text that was not asked for longest makes room', async () => {
  const { asked, embedder } = counting();
  const cache = cached(embedder, 2, createRegistry());
  for (const text of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.embed(text);
  expect(asked).toEqual(['a', 'b', 'c', 'b']);
});

test('an import pushes nothing out', async () => {
  const { asked, embedder } = counting();
  const cache = cached(embedder, 1, createRegistry());
  await cache.embed('asked for');
  await cache.embed('imported', { priority: 'bulk' });
  await cache.embed('asked for');
  expect(asked).toEqual(['asked for', 'imported']);
});

test('long texts are told apart to their last character', async () => {
  const { asked, embedder } = counting();
  const cache = cached(embedder, 10, createRegistry());
  const long = 'x'.repeat(8000);
  for (const text of [`${long}a`, `${long}b`, `${long}a`]) await cache.embed(text);
  expect(asked).toEqual([`${long}a`, `${long}b`]);
});

test('who has left gets nothing, also where it is known', async () => {
  const { embedder } = counting();
  const cache = cached(embedder, 10, createRegistry());
  await cache.embed('hello');
  await expect(cache.embed('hello', { signal: AbortSignal.abort() })).rejects.toMatchObject({
    name: 'AbortError',
  });
});

test('a failure is not remembered, and with room for none every text is embedded', async () => {
  const { asked, embedder } = counting();
  let failing = true;
  const flaky = {
    embed: (text: string) => {
      if (failing) throw new Error('the worker died');
      return embedder.embed(text);
    },
  } as Partial<Embedder> as Embedder;
  const cache = cached(flaky, 10, createRegistry());
  await expect(cache.embed('hello')).rejects.toThrow('the worker died');
  failing = false;
  await cache.embed('hello');
  const off = cached(embedder, 0, createRegistry());
  for (const text of ['hello', 'hello']) await off.embed(text);
  expect(asked).toEqual(['hello', 'hello', 'hello']);
});
