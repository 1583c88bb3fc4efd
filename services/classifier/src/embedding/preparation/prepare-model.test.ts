import { mkdir, readdir, readFile, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openModelFolder } from './model-folder.js';
import { ModelFolderError } from './model-folder-error.js';
import { prepareModel } from './prepare-model.js';
import { folderTree } from './test-support/folder-tree.js';
import { temporaryFolder } from './test-support/temporary-folder.js';

const NAME = 'all-MiniLM-L6-v2';
/**
 * The digest of what this format writes, the same on every machine. When it changes, stored vectors
 * are of another model: PREPARATION_FORMAT must grow with it.
 */
const DIGEST = '7c62c696e48e7d3f3ddecffac9682ba8b370ee2f812bb8140d092601ea791ea3';

vi.setConfig({ testTimeout: 60_000 });

let modelDir: string;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let lines: string[];
const prepare = () => prepareModel({ modelDir, log: (line) => lines.push(line) });

beforeEach(async () => {
  folder = await temporaryFolder();
  modelDir = join(folder.path, 'nested', 'models');
  lines = [];
});
afterEach(() => folder[Symbol.asyncDispose]());

test('prepares once and then leaves every file alone', async () => {
  const first = await prepare();
  const path = join(modelDir, NAME);
  expect(first).toEqual({ path, digest: DIGEST, dimensions: 384, dtype: 'q8', prepared: true });
  expect(lines).toEqual([expect.stringContaining(path)]);
  expect(await readdir(modelDir)).toEqual([NAME]);

  const before = await folderTree(modelDir);
  expect(await prepare()).toEqual({ ...first, prepared: false });
  expect(await folderTree(modelDir)).toEqual(before);
  expect(lines).toHaveLength(1);
});

test('two preparations at once leave one whole folder', async () => {
  const both = await Promise.all([prepare(), prepare()]);
  expect(both.map(({ prepared }) => prepared).sort()).toEqual([false, true]);
  expect(both.map(({ digest }) => digest)).toEqual([DIGEST, DIGEST]);
  expect(await readdir(modelDir)).toEqual([NAME]);
  expect((await openModelFolder(both[0].path)).digest).toBe(DIGEST);
});

describe('what a dead preparation left', () => {
  const abandon = async (minutesAgo: number) => {
    const draft = join(modelDir, `.${NAME}.preparing-${minutesAgo}`);
    await mkdir(draft, { recursive: true });
    await writeFile(join(draft, 'config.json'), '{');
    const then = new Date(Date.now() - minutesAgo * 60_000);
    await utimes(draft, then, then);
  };

  test('is removed and filled, but not the draft of one that may be alive', async () => {
    await abandon(60);
    await abandon(1);
    await mkdir(join(modelDir, NAME));
    expect((await prepare()).prepared).toBe(true);
    expect((await readdir(modelDir)).sort()).toEqual([`.${NAME}.preparing-1`, NAME]);
  });
});

describe('a folder that is there already', () => {
  test('is replaced when it is ours and damaged, also by two at once', async () => {
    const { path } = await prepare();
    await truncate(join(path, 'onnx/model_quantized.onnx'), 1000);
    const both = await Promise.all([prepare(), prepare()]);
    expect(both.map(({ digest }) => digest)).toEqual([DIGEST, DIGEST]);
    expect((await openModelFolder(path)).digest).toBe(DIGEST);
    expect(await readdir(modelDir)).toEqual([NAME]);
  });

  test('is never touched when it is not ours', async () => {
    const notes = join(modelDir, NAME, 'notes.txt');
    await mkdir(join(modelDir, NAME), { recursive: true });
    await writeFile(notes, 'mine');
    await expect(prepare()).rejects.toThrow(ModelFolderError);
    await expect(prepare()).rejects.toThrow('config.json is missing');
    expect(await readFile(notes, 'utf8')).toBe('mine');
    expect(lines).toEqual([]);
  });
});

test('a model directory that is a file is one clear error', async () => {
  modelDir = join(folder.path, 'file');
  await writeFile(modelDir, '');
  const error = await prepare().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ModelFolderError);
  expect(error).toMatchObject({ message: expect.stringContaining(modelDir) });
  expect(error).toMatchObject({ message: expect.stringContaining('npm run setup') });
});
