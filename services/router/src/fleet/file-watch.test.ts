import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { FileWatch } from './file-watch.js';

interface Change {
  directory: string;
  path: string;
}

/** Ways in which the content at a path becomes "two" where it was "one". */
const ways: Record<string, (change: Change) => Promise<void>> = {
  'is written in place': ({ path }) => writeFile(path, 'two'),
  'is emptied first': async ({ path }) => {
    await writeFile(path, '');
    await writeFile(path, 'two');
  },
  'is replaced by renaming': async ({ path }) => {
    await writeFile(`${path}.new`, 'two');
    await rename(`${path}.new`, path);
  },
  'is moved away and made anew': async ({ path }) => {
    await rename(path, `${path}~`);
    await writeFile(path, 'two');
  },
};

test.each(Object.entries(ways))('one call when a file %s', async (_how, way) => {
  await using temporary = await temporaryDirectory();
  const directory = temporary.path;
  const path = join(directory, 'fleet.yaml');
  await writeFile(path, 'one');
  let calls = 0;
  const watch = new FileWatch(path, 'one', () => calls++);
  await way({ directory, path });
  await eventually(() => expect(calls).toBe(1));
  await sleep(400);
  expect(calls).toBe(1);
  watch.close();
});

/** `..data` leads to the folder of the day, and is replaced when the content changes. */
test('follows the links of a mounted ConfigMap', async () => {
  await using temporary = await temporaryDirectory();
  const at = (name: string) => join(temporary.path, name);
  for (const [day, content] of [
    ['..monday', 'one'],
    ['..tuesday', 'two'],
  ] as const) {
    await mkdir(at(day));
    await writeFile(join(at(day), 'fleet.yaml'), content);
  }
  await symlink('..monday', at('..data'));
  await symlink('..data/fleet.yaml', at('fleet.yaml'));
  let calls = 0;
  const watch = new FileWatch(at('fleet.yaml'), 'one', () => calls++);
  await symlink('..tuesday', at('..data_tmp'));
  await rename(at('..data_tmp'), at('..data'));
  await rm(at('..monday'), { recursive: true });
  await eventually(() => expect(calls).toBe(1));
  watch.close();
});

test('a folder where much goes on holds nothing up', async () => {
  await using temporary = await temporaryDirectory();
  const path = join(temporary.path, 'fleet.yaml');
  await writeFile(path, 'one');
  let calls = 0;
  const watch = new FileWatch(path, 'one', () => calls++);
  const other = setInterval(
    () => void writeFile(join(temporary.path, 'log'), String(Math.random())),
    30,
  );
  await writeFile(path, 'two');
  await eventually(() => expect(calls).toBe(1));
  clearInterval(other);
  watch.close();
});

test('no call while the content stays, nor after closing', async () => {
  await using temporary = await temporaryDirectory();
  const path = join(temporary.path, 'fleet.yaml');
  await writeFile(path, 'one');
  let calls = 0;
  const watch = new FileWatch(path, 'one', () => calls++);
  await writeFile(path, 'one');
  await writeFile(join(temporary.path, 'other'), 'two');
  await sleep(400);
  watch.close();
  await writeFile(path, 'two');
  await sleep(400);
  expect(calls).toBe(0);
});
