import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { openModelFolder } from './model-folder.js';
import { ModelFolderError } from './model-folder-error.js';
import { GRAPH_FILES } from './model-layout.js';
import { type PreparedModel, prepareModel } from './prepare-model.js';
import { folderFaults, replaceIn } from './test-support/folder-faults.js';
import { temporaryFolder } from './test-support/temporary-folder.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let root: Awaited<ReturnType<typeof temporaryFolder>>;
let intact: PreparedModel;
let copies = 0;
let path: string;
const file = (name: string) => join(path, name);

beforeAll(async () => {
  root = await temporaryFolder();
  intact = await prepareModel({ modelDir: root.path, name: 'intact', log: () => {} });
});
beforeEach(async () => {
  path = join(root.path, `copy-${copies++}`);
  await cp(intact.path, path, { recursive: true });
});
afterAll(() => root[Symbol.asyncDispose]());

async function failure(): Promise<ModelFolderError> {
  const error = await openModelFolder(path).catch((reason: unknown) => reason);
  if (!(error instanceof ModelFolderError)) throw new Error(`no ModelFolderError: ${error}`);
  return error;
}

test('a prepared folder opens as what was prepared', async () => {
  const { digest } = intact;
  expect(await openModelFolder(path)).toEqual({ path, digest, dimensions: 384, dtype: 'q8' });
});

test.each(folderFaults)('%s is one clear error', async (_, fault, problem, make) => {
  await make(path);
  const error = await failure();
  expect(error.fault).toBe(fault);
  expect(error.message).toContain(`Model folder ${path}: `);
  expect(error.message).toContain(problem);
  expect(error.message).toContain('npm run setup');
  expect(error.message).not.toContain('\n');
});

describe("a user's own transformers.js folder", () => {
  test('is accepted, and a copy of ours is the same model', async () => {
    await rm(join(path, 'manifest.json'));
    const { digest } = intact;
    expect(await openModelFolder(path)).toEqual({ path, digest, dimensions: 384, dtype: 'q8' });
  });

  test('may have a float32 graph only', async () => {
    await rm(join(path, 'manifest.json'));
    await cp(file(GRAPH_FILES.q8), file(GRAPH_FILES.fp32));
    await rm(file(GRAPH_FILES.q8));
    expect(await openModelFolder(path)).toMatchObject({ dtype: 'fp32' });
  });

  test('is another model with another tokenizer', async () => {
    await rm(join(path, 'manifest.json'));
    await replaceIn(file('tokenizer.json'), '"[PAD]"', '"[PAX]"');
    expect((await openModelFolder(path)).digest).not.toBe(intact.digest);
  });
});
