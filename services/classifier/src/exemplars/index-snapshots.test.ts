import { cp, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Logger } from '@switchyard/service-kit';
import { beforeEach, describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { ExemplarIndex } from './exemplar-index.js';
import { IndexSnapshots } from './index-snapshots.js';
import { SnapshotSchedule } from './snapshot-schedule.js';
import { promptLike } from './test-support/vectors.js';

const DIMENSIONS = 16;
const COUNT = 300;
let warnings: string[];
let directory: string;

const logger = {
  info: () => undefined,
  warn: ({ reason, err }: { reason?: string; err?: Error }) =>
    warnings.push(reason ?? err?.message ?? ''),
} as unknown as Logger;
const snapshots = (kind = {}) =>
  new IndexSnapshots({ directory, modelDigest: 'model', dimensions: DIMENSIONS, logger, ...kind });

/** Runs a test with a directory that has the snapshots 1 (empty) and 2, and the index they are of. */
async function withSnapshots(use: (index: ExemplarIndex) => Promise<void>): Promise<void> {
  await using place = await temporaryDirectory();
  directory = join(place.path, 'index');
  const index = new ExemplarIndex(DIMENSIONS);
  await snapshots().write(index, () => 1);
  for (let n = 0; n < COUNT; n++)
    index.put({ id: `id-${n}`, intent: `intent ${n % 7}`, version: n }, promptLike(n, DIMENSIONS));
  await index.settled();
  index.remove('id-5');
  index.put({ id: 'id-5', intent: 'again', version: 900 }, promptLike(5, DIMENSIONS));
  // Those two and some more are still on their way into the graph.
  for (let n = COUNT; n < COUNT + 30; n++)
    index.put({ id: `id-${n}`, intent: 'late', version: n }, promptLike(n, DIMENSIONS));
  await snapshots().write(index, () => 2);
  await use(index);
  await index.close();
}
const path = (version: number, file = '.') =>
  join(directory, `version-${String(version).padStart(16, '0')}`, file);
const nearest = (index: ExemplarIndex) =>
  Array.from({ length: 20 }, (_, n) => index.search(promptLike(5000 + n, DIMENSIONS), 20));
const found = async (index: ExemplarIndex) => ({
  keys: [...index.entries()].sort((a, b) => (a.id < b.id ? -1 : 1)),
  nearest: nearest(index),
});

beforeEach(() => {
  warnings = [];
});

test('what is loaded answers as what was written, and goes on from there', () =>
  withSnapshots(async (index) => {
    const loaded = await snapshots().load();
    expect(loaded?.version).toBe(2);
    expect(await found(loaded?.index as ExemplarIndex)).toEqual(await found(index));
    for (const one of [index, loaded?.index as ExemplarIndex]) {
      one.removeIntent('intent 3');
      one.put({ id: 'new', intent: 'new', version: 901 }, promptLike(9000, DIMENSIONS));
      await one.settled();
    }
    expect(await found(loaded?.index as ExemplarIndex)).toEqual(await found(index));
    await loaded?.index.close();
    expect(warnings).toEqual([]);
  }));

test('the last two are kept, and what was not finished is removed', () =>
  withSnapshots(async (index) => {
    await mkdir(join(directory, '.new-half'));
    await cp(path(1, 'graph.hnsw'), join(directory, '.new-half', 'graph.hnsw'));
    const writing = snapshots();
    await writing.load();
    await writing.write(index, () => 7);
    await writing.write(index, () => 7);
    await writing.write(index, () => 30);
    const kept = (await readdir(directory)).map((name) => join(directory, name));
    expect(kept.sort()).toEqual([path(7), path(30)]);
    expect(await snapshots().load()).toMatchObject({ version: 30 });
  }));

describe('one that cannot be used is reported and removed, and the one before it is loaded', () => {
  const flip = async (file: string, at: (length: number) => number) => {
    const bytes = await readFile(path(2, file));
    const position = at(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
    await writeFile(path(2, file), bytes);
  };
  const half = async (file: string) => {
    await truncate(path(2, file), Math.floor((await readFile(path(2, file))).length / 2));
  };
  test.each([
    { what: 'a bit of a vector', harm: () => flip('graph.hnsw', () => 500) },
    { what: 'the count of elements', harm: () => flip('graph.hnsw', () => 19) },
    { what: 'the last link', harm: () => flip('graph.hnsw', (length) => length - 1) },
    { what: 'a bit of the table', harm: () => flip('table.ndjson', () => 30) },
    { what: 'half a graph', harm: () => half('graph.hnsw') },
    { what: 'half a table', harm: () => half('table.ndjson') },
    { what: 'half a manifest', harm: () => half('manifest.json') },
    { what: 'an empty graph', harm: () => truncate(path(2, 'graph.hnsw'), 0) },
    {
      what: 'the graph of another snapshot',
      harm: () => cp(path(1, 'graph.hnsw'), path(2, 'graph.hnsw')),
    },
  ])('$what', ({ harm }) =>
    withSnapshots(async () => {
      await harm();
      expect(await snapshots().load()).toMatchObject({ version: 1, index: { size: 0 } });
      expect(warnings).toHaveLength(1);
      expect(await readdir(directory)).toHaveLength(1);
    }),
  );

  test.each([
    { kind: { modelDigest: 'other' }, reason: 'its modelDigest is model, not other' },
    { kind: { dimensions: 8 }, reason: 'its dimensions is 16, not 8' },
  ])('another kind: $reason', ({ kind, reason }) =>
    withSnapshots(async () => {
      expect(await snapshots(kind).load()).toBeUndefined();
      expect(warnings).toEqual([reason, reason]);
    }),
  );
});

test('a disk that does not take it leaves the snapshot before', () =>
  withSnapshots(async (index) => {
    const broken = snapshots();
    await broken.load();
    await writeFile(join(directory, 'not a snapshot'), '');
    const failing = new IndexSnapshots({
      directory: join(directory, 'not a snapshot'),
      modelDigest: 'model',
      dimensions: DIMENSIONS,
      logger,
    });
    const keeping = failing.keep(index, () => 3);
    await keeping.close();
    expect(warnings).toEqual([expect.stringContaining('ENOTDIR')]);
    expect(await snapshots().load()).toMatchObject({ version: 2 });
  }));

test('only changes of exemplars make another one', () =>
  withSnapshots(async () => {
    const keeper = snapshots();
    const index = await keeper.loadOrCreate();
    let version = 2;
    const keeping = keeper.keep(index, () => version);
    version++;
    keeping.changed();
    await keeping.close();
    expect((await readdir(directory)).sort().at(-1)).toBe(basename(path(2)));

    const later = keeper.keep(index, () => version);
    version++;
    index.remove('id-7');
    later.changed();
    await later.close();
    expect((await readdir(directory)).sort().at(-1)).toBe(basename(path(4)));
    await index.close();
  }));

describe('when', () => {
  test('changes that follow one another are written once, when they end', async () => {
    let written = 0;
    const schedule = new SnapshotSchedule(async () => void written++, 50, 10_000);
    for (let n = 0; n < 5; n++) {
      schedule.changed();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(written).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(written).toBe(1);
    await schedule.close();
    expect(written).toBe(1);
  });

  test('changes without an end are written in between', async () => {
    let written = 0;
    const schedule = new SnapshotSchedule(async () => void written++, 10_000, 30);
    for (let n = 0; n < 20 && written === 0; n++) {
      schedule.changed();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(written).toBe(1);
    await schedule.close();
  });

  test('what is outstanding is written at the end, and nothing after it', async () => {
    let written = 0;
    const schedule = new SnapshotSchedule(async () => void written++, 10_000, 10_000);
    schedule.changed();
    await schedule.close();
    expect(written).toBe(1);
    schedule.changed();
    await schedule.close();
    expect(written).toBe(1);
  });
});
