import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { Catalog } from './catalog.js';
import { EmbeddedExemplarStore } from './embedded-exemplar-store.js';
import { exemplarId } from './exemplar.js';
import { promptLike } from './test-support/vectors.js';

const DIMENSIONS = 8;
const options = { dimensions: DIMENSIONS, modelDigest: 'model' };
const one = (intent: string, n: number) => {
  const text = `text ${n}`;
  return { id: exemplarId(text), intent, text, vector: promptLike(n, DIMENSIONS) };
};

test('what changes while everything is read is in it, once', async () => {
  await using directory = await temporaryDirectory();
  const store = await EmbeddedExemplarStore.open({
    directory: directory.path,
    modelDigest: 'model',
    maxIntents: 10,
  });
  const many = Array.from({ length: 4000 }, (_, n) => one('before', n));
  await store.add(many, 'reject');
  let done = false;
  const following = Catalog.follow(store, options).finally(() => {
    done = true;
  });
  let changes = 0;
  for (let n = 0; !done || changes < 9; n++) {
    await store.add([one('meanwhile', 5000 + n)], 'reject');
    await store.add([one('moved', n)], 'move');
    await store.remove('before', exemplarId(`text ${3999 - n}`));
    changes += 3;
  }
  const catalog = await following;
  await store.putIntent('after', {});
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  const stored = [];
  for await (const key of store.keys()) stored.push(key);
  const indexed = [...catalog.keys()].map(({ id, intent, version }) => ({ id, intent, version }));
  expect(indexed.sort(byId)).toEqual(stored.sort(byId));
  expect(catalog.version).toBe(store.version);
  expect(catalog.intents().map(({ name }) => name)).toEqual([
    'after',
    'before',
    'meanwhile',
    'moved',
  ]);
  await catalog.close();
  await store.close();
});
