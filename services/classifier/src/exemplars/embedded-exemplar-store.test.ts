import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { EmbeddedExemplarStore } from './embedded-exemplar-store.js';
import { EmbeddedTables } from './embedded-tables.js';
import { exemplar, exemplarStoreContract } from './exemplar-store.contract.js';
import { type ProcessIdentity, thisProcess } from './process-identity.js';

const open = (directory: string, modelDigest = 'model') =>
  EmbeddedExemplarStore.open({ directory, modelDigest, maxIntents: 100 });

describe('contract', () => {
  exemplarStoreContract(async () => {
    const directory = await temporaryDirectory();
    return {
      open: (options) =>
        EmbeddedExemplarStore.open({
          directory: join(directory.path, 'data'),
          modelDigest: 'model',
          maxIntents: 100,
          ...options,
        }),
      [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
    };
  });
});

async function setOwner(directory: string, owner: ProcessIdentity): Promise<void> {
  const tables = new EmbeddedTables(join(directory, 'exemplars.lmdb'));
  await tables.transaction(() => tables.setOwner(owner));
  await tables.close();
}

test('refuses a directory that a living process uses, and takes it when that is gone', async () => {
  await using directory = await temporaryDirectory();
  await (await open(directory.path)).close();
  const other = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
  await setOwner(directory.path, { pid: other.pid ?? 0, startTime: null });
  await expect(open(directory.path)).rejects.toMatchObject({
    name: 'ConfigError',
    problems: [
      `DATA_DIR: ${directory.path} is in use by another classifier (process ${other.pid})`,
    ],
  });
  other.kill('SIGKILL');
  await once(other, 'exit');
  await (await open(directory.path)).close();
});

test('an owner that died without a word is no obstacle, also where its id is in use again', async () => {
  await using directory = await temporaryDirectory();
  await setOwner(directory.path, { ...thisProcess(), startTime: '1' });
  await (await open(directory.path)).close();
});

test.each([
  { what: 'a file in the way', make: (path: string) => writeFile(path, '') },
  {
    what: 'a file that is no database',
    make: async (path: string) => {
      await (await open(path)).close();
      await rm(join(path, 'exemplars.lmdb-lock'));
      await writeFile(join(path, 'exemplars.lmdb'), Buffer.alloc(100_000, 'garbage'));
    },
  },
])('$what is one clear error', async ({ make }) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'data');
  await make(path);
  await expect(open(path)).rejects.toMatchObject({
    name: 'ConfigError',
    problems: [expect.stringContaining(`DATA_DIR: ${path} cannot be used: `)],
  });
});

test('after close, a change is refused and nothing is lost', async () => {
  await using directory = await temporaryDirectory();
  const store = await open(directory.path);
  const adding = store.add([exemplar('a', 'text')], 'reject');
  await store.close();
  expect((await adding).added).toHaveLength(1);
  await expect(store.add([exemplar('a', 'late')], 'reject')).rejects.toThrow();
  const again = await open(directory.path);
  const { id } = exemplar('a', 'text');
  expect(await again.texts([id])).toEqual(new Map([[id, 'text']]));
  await again.close();
});

test('the model that has all vectors stays until another one has them, over any restart', async () => {
  await using directory = await temporaryDirectory();
  const embed = async (text: string) => Float32Array.of(text.length, 0, 0, 7);
  let one = await open(directory.path, 'one');
  await one.adoptModel('/models/one');
  await one.add([exemplar('a', 'first'), exemplar('a', 'second')], 'reject');
  await one.close();
  // Half of the way, and then the process dies.
  const options = { directory: directory.path, maxIntents: 100 };
  let two = await EmbeddedExemplarStore.open({ ...options, modelDigest: 'two', embed });
  await two.vectors([exemplar('a', 'first').id]);
  await two.close();
  one = await open(directory.path, 'one');
  expect(await one.lacking()).toBe(0);
  expect(await one.earlierModels()).toEqual([]);
  await one.close();

  two = await EmbeddedExemplarStore.open({ ...options, modelDigest: 'two', embed });
  expect(await two.lacking()).toBe(1);
  expect(await two.earlierModels()).toEqual([{ modelDigest: 'one', origin: '/models/one' }]);
  await two.vectors([exemplar('a', 'second').id]);
  await two.adoptModel('/models/two');
  await two.close();
  const three = await open(directory.path, 'three');
  expect(await three.lacking()).toBe(2);
  expect(await three.earlierModels()).toEqual([{ modelDigest: 'two', origin: '/models/two' }]);
  await three.close();
});
