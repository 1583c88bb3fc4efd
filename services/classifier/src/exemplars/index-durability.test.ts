import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger } from '@switchyard/service-kit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { Catalog } from './catalog.js';
import { EmbeddedExemplarStore } from './embedded-exemplar-store.js';
import { exemplarId } from './exemplar.js';
import { IndexSnapshots } from './index-snapshots.js';
import { dot, unit } from './test-support/vectors.js';

const DIMENSIONS = 8;
const NEAREST = 5;
const silent = createLogger('test', 'silent');

/** The vector of a text follows from the text, as with a model. */
function vectorOf(text: string): Float32Array {
  const bytes = Buffer.from(exemplarId(text), 'base64url');
  return unit(Array.from({ length: DIMENSIONS }, (_, i) => (bytes[i] ?? 0) - 127.5));
}
const exemplarOf = (intent: string, text: string) => ({
  id: exemplarId(text),
  intent,
  text,
  vector: vectorOf(text),
});
/** A store and a catalog on real files, and intents by text in memory as what both should be. */
class World {
  readonly model = new Map<string, string>();

  private constructor(
    private readonly directory: string,
    private store: EmbeddedExemplarStore,
    private catalog: Catalog,
  ) {}

  static async open(directory: string): Promise<World> {
    return new World(directory, ...(await World.#start(directory)));
  }

  static async #start(directory: string): Promise<[EmbeddedExemplarStore, Catalog]> {
    const store = await EmbeddedExemplarStore.open({
      directory,
      modelDigest: 'model',
      maxIntents: 100,
    });
    const snapshots = new IndexSnapshots({
      directory: join(directory, 'index'),
      modelDigest: 'model',
      dimensions: DIMENSIONS,
      logger: silent,
      index: { capacity: 8 },
    });
    return [
      store,
      await Catalog.follow(store, { dimensions: DIMENSIONS, modelDigest: 'model' }, snapshots),
    ];
  }

  async add(intent: string, texts: readonly string[], onConflict: 'reject' | 'move') {
    await this.store.add(
      texts.map((text) => exemplarOf(intent, text)),
      onConflict,
    );
    for (const text of texts)
      if (onConflict === 'move' || !this.model.has(text)) this.model.set(text, intent);
  }

  async remove(text: string) {
    const intent = this.model.get(text);
    expect(await this.store.remove(intent ?? 'a', exemplarId(text))).toBe(intent !== undefined);
    this.model.delete(text);
  }

  async deleteIntent(intent: string) {
    await this.store.deleteIntent(intent);
    for (const [text, held] of this.model) if (held === intent) this.model.delete(text);
  }

  /** An orderly end writes a snapshot; `meddle` changes what the next start finds. */
  async restart(meddle: (index: string, before: string) => Promise<void>) {
    const index = join(this.directory, 'index');
    const before = join(this.directory, 'before');
    // But for what is being written.
    const filter = (path: string) => !path.includes('.new-');
    await cp(index, before, { recursive: true, filter });
    await this.close();
    await meddle(index, before);
    await rm(before, { recursive: true });
    [this.store, this.catalog] = await World.#start(this.directory);
  }

  async close() {
    await this.catalog.close();
    await this.store.close();
  }

  async check() {
    const expected = [...this.model].map(([text, intent]) => ({ id: exemplarId(text), intent }));
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
    const stored = [];
    for await (const key of this.store.keys()) stored.push(key);
    expect(stored.map(({ id, intent }) => ({ id, intent })).sort(byId)).toEqual(
      expected.sort(byId),
    );
    expect(
      [...this.catalog.keys()]
        .map(({ id, intent, version }) => ({ id, intent, version }))
        .sort(byId),
    ).toEqual(stored.sort(byId));
    expect(this.catalog.version).toBe(this.store.version);
    for (const { name, exemplars } of this.catalog.intents())
      expect(exemplars).toBe(expected.filter(({ intent }) => intent === name).length);
    for (const query of ['x', ...[...this.model.keys()].slice(0, 3)].map(vectorOf)) {
      const found = this.catalog.nearest(query, NEAREST);
      const all = [...this.model.keys()].map((text) => dot(vectorOf(text), query));
      const best = all.sort((a, b) => b - a).slice(0, NEAREST);
      expect(found.map(({ similarity }) => similarity.toFixed(4))).toEqual(
        best.map((similarity) => similarity.toFixed(4)),
      );
      for (const { id } of found) expect(this.catalog.vectorOf(id)).toHaveLength(DIMENSIONS);
    }
  }
}

const text = fc.integer({ min: 0, max: 40 }).map((n) => `text ${n}`);
const intent = fc.constantFrom('a', 'b', 'c');
const texts = fc.uniqueArray(text, { minLength: 1, maxLength: 12 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('add' as const), intent, texts }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('move' as const), intent, texts }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), text }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('deleteIntent' as const), intent }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart with an older snapshot' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restart with a damaged snapshot' as const),
      file: fc.constantFrom('graph.hnsw', 'table.ndjson', 'manifest.json'),
      at: fc.double({ min: 0, max: 0.999, noNaN: true }),
      cut: fc.boolean(),
    }),
  },
);

async function damage(index: string, file: string, at: number, cut: boolean): Promise<void> {
  const newest = (await readdir(index)).sort().at(-1);
  if (newest === undefined) return;
  const path = join(index, newest, file);
  const bytes = await readFile(path);
  const position = Math.floor(at * bytes.length);
  if (cut) return truncate(path, position);
  if (bytes.length === 0) return writeFile(path, 'x');
  bytes.writeUInt8((bytes.readUInt8(position) ^ 0x55) & 0xff, position);
  await writeFile(path, bytes);
}

test('after any changes and restarts, store, index and model agree', { timeout: 120_000 }, () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      await using directory = await temporaryDirectory();
      const world = await World.open(directory.path);
      try {
        for (const one of steps) {
          if (one.kind === 'add') await world.add(one.intent, one.texts, 'reject');
          else if (one.kind === 'move') await world.add(one.intent, one.texts, 'move');
          else if (one.kind === 'remove') await world.remove(one.text);
          else if (one.kind === 'deleteIntent') await world.deleteIntent(one.intent);
          else
            await world.restart(async (index, before) => {
              if (one.kind === 'restart with a damaged snapshot')
                await damage(index, one.file, one.at, one.cut);
              if (one.kind !== 'restart with an older snapshot') return;
              await rm(index, { recursive: true });
              await cp(before, index, { recursive: true });
            });
          await world.check();
        }
      } finally {
        await world.close();
      }
    }),
    { numRuns: 100 },
  ),
);
