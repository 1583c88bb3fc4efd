import { describe, expect, test } from 'vitest';
import { type Exemplar, type ExemplarKey, exemplarId } from './exemplar.js';
import type { Change, ExemplarStore } from './exemplar-store.js';

export interface StoreOptions {
  maxIntents: number;
}

/** One durable place for a store, empty at first. */
export interface StorePlace extends AsyncDisposable {
  open(options?: Partial<StoreOptions>): Promise<ExemplarStore>;
}

export const exemplar = (intent: string, text: string): Exemplar => ({
  id: exemplarId(text),
  intent,
  text,
  vector: Float32Array.of(text.length, 0.25, -1),
});
const several = (intent: string, count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => exemplar(intent, `${intent} ${from + n}`));
const byText = (a: { text: string }, b: { text: string }) => (a.text < b.text ? -1 : 1);
const stored = async (store: ExemplarStore) => {
  const exemplars: Exemplar[] = [];
  for await (const { version, ...one } of store.exemplars()) exemplars.push(one);
  return exemplars.sort(byText);
};
const keys = async (store: ExemplarStore) => {
  const found: ExemplarKey[] = [];
  for await (const key of store.keys()) found.push(key);
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
};
const content = async (store: ExemplarStore) => ({
  version: store.version,
  keys: await keys(store),
  settings: await store.settings(),
  head: await store.head(),
  intents: (await store.intents()).sort((a, b) => (a.name < b.name ? -1 : 1)),
  exemplars: await stored(store),
});

/** What every ExemplarStore does; each implementation runs it on a place of its own. */
export function exemplarStoreContract(newPlace: () => Promise<StorePlace>): void {
  /** Runs a test on an open store and closes it, whatever comes. */
  const withStore = async (
    use: (store: ExemplarStore, changes: Change[]) => Promise<void>,
    options: Partial<StoreOptions> = {},
  ) => {
    await using place = await newPlace();
    const store = await place.open(options);
    try {
      const changes: Change[] = [];
      store.onChange((change) => {
        changes.push(change);
      });
      await use(store, changes);
    } finally {
      await store.close();
    }
  };

  test('starts empty at version 0', () =>
    withStore(async (store) => {
      expect(await content(store)).toEqual({
        version: 0,
        keys: [],
        settings: { alpha: 0.05 },
        head: undefined,
        intents: [],
        exemplars: [],
      });
      expect(await store.texts(['x'])).toEqual(new Map());
      expect(await store.vectors(['x'])).toEqual(new Map());
    }));

  test('looks up the texts and vectors of those it has, asked for in any order', () =>
    withStore(async (store) => {
      const [zero, one, two] = several('a', 3) as [Exemplar, Exemplar, Exemplar];
      await store.add([zero, one, two], 'reject');
      const ids = [two.id, 'x', zero.id, two.id];
      expect(await store.texts(ids)).toEqual(
        new Map([
          [two.id, two.text],
          [zero.id, zero.text],
        ]),
      );
      expect(await store.vectors(ids)).toEqual(
        new Map([
          [two.id, two.vector],
          [zero.id, zero.vector],
        ]),
      );
      expect(await store.texts([])).toEqual(new Map());
    }));

  test('every change raises the version by one and is heard, in order, before it resolves', () =>
    withStore(async (store, changes) => {
      const [one, two] = several('a', 2) as [Exemplar, Exemplar];
      await store.add([one, two], 'reject');
      expect(changes.at(-1)).toEqual({
        version: 1,
        type: 'exemplars-added',
        exemplars: [one, two],
        intents: [{ name: 'a', description: '', threshold: null }],
      });
      await store.putIntent('b', { description: 'B', threshold: 0.5 });
      expect(await store.remove('a', one.id)).toBe(true);
      expect(await store.deleteIntent('a')).toBe(true);
      expect(changes.map(({ version, type }) => [version, type])).toEqual([
        [1, 'exemplars-added'],
        [2, 'intent-put'],
        [3, 'exemplar-removed'],
        [4, 'intent-deleted'],
      ]);
      expect(store.version).toBe(4);
    }));

  test('what changes nothing raises nothing', () =>
    withStore(async (store, changes) => {
      await store.add(several('a', 1), 'reject');
      await store.add(several('a', 1), 'reject');
      await store.add([], 'reject');
      expect(await store.remove('a', 'no such id')).toBe(false);
      expect(await store.remove('b', exemplarId('a 0'))).toBe(false);
      expect(await store.deleteIntent('b')).toBe(false);
      expect(store.version).toBe(1);
      expect(changes).toHaveLength(1);
    }));

  test('changes asked for at once are heard one after the other', () =>
    withStore(async (store, changes) => {
      const adding = Array.from({ length: 20 }, (_, n) => store.add(several('a', 1, n), 'reject'));
      await Promise.all([...adding, store.deleteIntent('a'), store.putIntent('z', {})]);
      expect(changes.map(({ version }) => version)).toEqual(
        Array.from({ length: 22 }, (_, n) => n + 1),
      );
      expect(await stored(store)).toEqual([]);
    }));

  test('a text is a duplicate under its intent and a conflict under another', () =>
    withStore(async (store) => {
      const mine = exemplar('a', 'text');
      const theirs = exemplar('b', 'text');
      expect(await store.add([mine, mine], 'reject')).toEqual({
        added: [mine],
        duplicates: [mine],
        conflicts: [],
      });
      expect(await store.add([theirs], 'reject')).toEqual({
        added: [],
        duplicates: [],
        conflicts: [{ exemplar: theirs, heldBy: 'a' }],
      });
      expect((await store.intents()).map(({ name }) => name)).toEqual(['a']);
    }));

  test('move takes a text over, with its vector, to the end of the other listing', () =>
    withStore(async (store) => {
      await store.add([exemplar('a', 'text'), ...several('b', 1)], 'reject');
      const moved = exemplar('b', 'text');
      expect((await store.add([moved], 'move')).added).toEqual([moved]);
      expect((await store.page('a', 10, undefined)).exemplars).toEqual([]);
      expect((await store.page('b', 10, undefined)).exemplars.map(({ text }) => text)).toEqual([
        'b 0',
        'text',
      ]);
      expect(await stored(store)).toEqual([...several('b', 1), moved]);
    }));

  test('an exemplar has the version of the change that added or last moved it', () =>
    withStore(async (store) => {
      const [moved, left] = several('a', 2) as [Exemplar, Exemplar];
      await store.add([moved], 'reject');
      await store.add([moved, left], 'reject');
      expect(new Map((await keys(store)).map(({ id, version }) => [id, version]))).toEqual(
        new Map([
          [moved.id, 1],
          [left.id, 2],
        ]),
      );
      await store.add([{ ...moved, intent: 'b' }], 'move');
      expect((await keys(store)).find(({ id }) => id === moved.id)).toEqual({
        id: moved.id,
        intent: 'b',
        version: 3,
      });
      for await (const { id, version } of store.exemplars())
        expect(version).toBe(id === moved.id ? 3 : 2);
    }));

  test('an addition that is repeated under its key comes to what it came to before', () =>
    withStore(async (store, changes) => {
      await store.add([exemplar('b', 'held')], 'reject');
      const wanted = [...several('a', 2), exemplar('a', 'a 0'), exemplar('a', 'held')];
      const first = await store.add(wanted, 'reject', { idempotencyKey: 'job 1' });
      expect([first.added, first.duplicates, first.conflicts].map(({ length }) => length)).toEqual([
        2, 1, 1,
      ]);
      await store.remove('a', exemplarId('a 0'));
      expect(await store.add(wanted, 'reject', { idempotencyKey: 'job 1' })).toEqual(first);
      expect(changes).toHaveLength(3);
      const other = await store.add(wanted, 'reject', { idempotencyKey: 'job 2' });
      expect(other.added.map(({ text }) => text)).toEqual(['a 0']);
    }));

  test('knows when it has caught up, and gives a claim until it is released', () =>
    withStore(async (store, changes) => {
      const adding = store.add(several('a', 1), 'reject');
      await adding;
      await store.caughtUp();
      expect(changes).toHaveLength(1);
      const claim = await store.claim('training');
      expect(claim?.lost.aborted).toBe(false);
      await claim?.release();
      expect(await store.claim('training')).toBeDefined();
    }));

  test('patches the settings and keeps what the patch leaves out', () =>
    withStore(async (store, changes) => {
      expect(await store.putSettings({ alpha: 0.1 })).toEqual({ alpha: 0.1 });
      expect(await store.putSettings({})).toEqual({ alpha: 0.1 });
      expect(await store.settings()).toEqual({ alpha: 0.1 });
      expect(changes).toEqual([{ version: 1, type: 'settings-put', settings: { alpha: 0.1 } }]);
    }));

  test('keeps the head of the newest exemplars', () =>
    withStore(async (store, changes) => {
      const head = (trainedOn: number, ...bytes: number[]) => ({
        trainedOn,
        bytes: Uint8Array.from(bytes),
      });
      const trainedOn = async () => (await store.head())?.trainedOn;
      expect(await store.putHead(head(2, 1))).toBe(true);
      expect(await store.putHead(head(2, 1))).toBe(false);
      expect(await store.putHead(head(1, 2))).toBe(false);
      expect(await trainedOn()).toBe(2);
      expect(await store.putHead(head(2, 1, 1))).toBe(true);
      expect(await store.putHead(head(3, 7, 0, 255))).toBe(true);
      const stored = await store.head();
      expect([stored?.trainedOn, [...(stored?.bytes ?? [])]]).toEqual([3, [7, 0, 255]]);
      expect(changes.map(({ type }) => type)).toEqual(['head-put', 'head-put', 'head-put']);
      expect(store.version).toBe(3);
    }));

  test('patches an intent and keeps what the patch leaves out', () =>
    withStore(async (store) => {
      await store.putIntent('a', { description: 'A', threshold: 0.5 });
      await store.putIntent('a', { description: 'AA' });
      await store.add(several('a', 1), 'reject');
      expect(await store.intents()).toEqual([{ name: 'a', description: 'AA', threshold: 0.5 }]);
      await store.putIntent('a', { threshold: null });
      expect(await store.intents()).toEqual([{ name: 'a', description: 'AA', threshold: null }]);
    }));

  test('deleting an intent takes its exemplars and leaves the others', () =>
    withStore(async (store) => {
      await store.add([...several('a', 3), ...several('a b', 2)], 'reject');
      await store.deleteIntent('a');
      expect(await stored(store)).toEqual(several('a b', 2));
      expect(await store.vectors([exemplarId('a 0')])).toEqual(new Map());
      expect((await store.add(several('c', 1), 'reject')).added).toHaveLength(1);
    }));

  test('one intent too many refuses the whole change', () =>
    withStore(
      async (store, changes) => {
        await store.add(several('a', 1), 'reject');
        const tooMany = { code: 'too_many_intents' };
        const both = [...several('b', 1), ...several('c', 1)];
        await expect(store.add(both, 'reject')).rejects.toMatchObject(tooMany);
        expect((await store.intents()).map(({ name }) => name)).toEqual(['a']);
        expect(await stored(store)).toHaveLength(1);
        await store.putIntent('b', {});
        await expect(store.putIntent('c', {})).rejects.toMatchObject(tooMany);
        await store.add(several('b', 1), 'reject');
        await store.deleteIntent('a');
        await store.add(several('c', 1), 'reject');
        expect(changes.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5]);
      },
      { maxIntents: 2 },
    ));

  describe('pages', () => {
    test('show every exemplar once, in order, also while some are added and removed', () =>
      withStore(async (store) => {
        await store.add(several('a', 5), 'reject');
        await store.add(several('b', 5), 'reject');
        const first = await store.page('a', 2, undefined);
        await store.add(several('a', 1, 5), 'reject');
        await store.remove('a', exemplarId('a 1'));
        const second = await store.page('a', 2, first.nextCursor ?? '');
        const third = await store.page('a', 2, second.nextCursor ?? '');
        expect([first, second, third].map(({ exemplars }) => exemplars.map(({ text }) => text)))
          // a 1 had been shown when it was removed.
          .toEqual([
            ['a 0', 'a 1'],
            ['a 2', 'a 3'],
            ['a 4', 'a 5'],
          ]);
        expect(third.nextCursor).toBeNull();
        expect((await store.page('a', 100, undefined)).exemplars[0]).toEqual({
          id: exemplarId('a 0'),
          text: 'a 0',
        });
        expect(await store.page('nobody', 10, undefined)).toEqual({
          exemplars: [],
          nextCursor: null,
        });
      }));

    test.each(['', 'x', '-1', '1e3', '0x1', '9'.repeat(40)])('refuse the cursor "%s"', (cursor) =>
      withStore(async (store) => {
        await store.add(several('a', 1), 'reject');
        await expect(store.page('a', 2, cursor)).rejects.toThrow(RangeError);
      }),
    );
  });

  test('keeps everything when it is closed and opened again', async () => {
    await using place = await newPlace();
    let store = await place.open();
    await store.add([...several('a', 70), exemplar('b', 'with "quotes" and 日本語 😀')], 'reject');
    await store.putIntent('b', { description: 'B', threshold: 0.25 });
    await store.remove('a', exemplarId('a 3'));
    await store.putSettings({ alpha: 0.2 });
    await store.putHead({ trainedOn: 3, bytes: Uint8Array.of(1, 2, 3) });
    const before = await content(store);
    const page = await store.page('a', 10, undefined);
    await store.close();

    store = await place.open();
    expect(await content(store)).toEqual(before);
    expect(await store.page('a', 10, undefined)).toEqual(page);
    await store.add(several('a', 1, 100), 'reject');
    expect(store.version).toBe(before.version + 1);
    expect((await store.page('a', 100, undefined)).exemplars.at(-1)?.text).toBe('a 100');
    await store.close();
  });

  test('serves another model beside, with vectors and a head of its own', () =>
    withStore(async (store) => {
      await store.add(several('a', 3), 'reject');
      const texts: string[] = [];
      const embed = async (text: string) => {
        texts.push(text);
        return Float32Array.of(7, text.length);
      };
      const other = await store.withModel({ modelDigest: 'other', embed });
      const heard: Change[] = [];
      other.onChange((change) => {
        heard.push(change);
      });
      expect([await store.lacking(), await other.lacking()]).toEqual([0, 3]);
      const ids = several('a', 3).map(({ id }) => id);
      expect([...(await other.vectors(ids)).values()]).toEqual(
        several('a', 3).map(({ text }) => Float32Array.of(7, text.length)),
      );
      expect(await other.lacking()).toBe(0);
      // A change that is made with one of them counts for both.
      await store.add(several('b', 1), 'reject');
      await store.putHead({ trainedOn: store.version, bytes: Uint8Array.of(1) });
      await other.add(several('c', 1), 'reject');
      await Promise.all([store.caughtUp(), other.caughtUp()]);
      expect(heard.map(({ type }) => type)).toEqual([
        'exemplars-added',
        'nothing',
        'exemplars-added',
      ]);
      expect(heard[0]).toMatchObject({
        exemplars: [{ text: 'b 0', vector: Float32Array.of(7, 3) }],
      });
      expect(await other.head()).toBeUndefined();
      expect(texts).toEqual(['a 0', 'a 1', 'a 2', 'b 0']);
      const { vector } = several('b', 1)[0] as Exemplar;
      expect([...(await store.vectors([exemplar('b', 'b 0').id])).values()]).toEqual([vector]);
      await other.remove('a', exemplar('a', 'a 0').id);
      await store.caughtUp();
      expect((await stored(store)).map(({ text }) => text)).toEqual(['a 1', 'a 2', 'b 0']);
      await other.adoptModel('/models/other');
      await other.close();
      await store.putIntent('d', {});
    }));
}
