import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openModelFolder } from './model-folder.js';
import type { ModelFolderError } from './model-folder-error.js';
import { buildCli } from './test-support/built-cli.js';
import { temporaryFolder } from './test-support/temporary-folder.js';

const NAME = 'all-MiniLM-L6-v2';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let cli: Awaited<ReturnType<typeof buildCli>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const run = (environment: NodeJS.ProcessEnv) => cli.start(environment, folder.path);

beforeAll(async () => {
  cli = await buildCli();
});
afterAll(() => cli[Symbol.asyncDispose]());
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

test('prepares below the current folder when nothing is set', async () => {
  const path = join(folder.path, '.models', NAME);
  const { code, stdout, stderr } = await run({}).result;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trimEnd().split('\n')).toEqual([
    expect.stringMatching(/^Preparing/),
    expect.stringMatching(/^Model ready .*\(prepared, digest [0-9a-f]{12}\)$/),
  ]);
  await openModelFolder(path);

  const again = await run({ INIT_CWD: folder.path, MODEL_DIR: '' }).result;
  expect(again.stdout).toMatch(/^Model ready .*\(already there, digest [0-9a-f]{12}\)\n$/);
});

test('a relative MODEL_DIR starts where the user is; two processes leave one folder', async () => {
  const initial = join(folder.path, 'user');
  await mkdir(initial);
  const environment = { INIT_CWD: initial, MODEL_DIR: 'models' };
  const both = await Promise.all([run(environment).result, run(environment).result]);
  expect(both.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
    { code: 0, stderr: '' },
    { code: 0, stderr: '' },
  ]);
  expect(await readdir(join(initial, 'models'))).toEqual([NAME]);
  await openModelFolder(join(initial, 'models', NAME));
});

test('killed while it writes, it leaves no half folder, and the next run succeeds', async () => {
  const modelDir = join(folder.path, 'models');
  const path = join(modelDir, NAME);
  const victim = run({ MODEL_DIR: modelDir });
  const written = () => readdir(modelDir).catch(() => []);
  await expect.poll(written, { interval: 1, timeout: 30_000 }).not.toHaveLength(0);
  victim.kill();
  await victim.result;
  const left = await openModelFolder(path).catch(({ fault }: ModelFolderError) => fault);
  // On a fast disk the kill may come too late; then the folder must be whole.
  expect(['missing', expect.objectContaining({ path })]).toContainEqual(left);

  expect((await run({ MODEL_DIR: modelDir }).result).code).toBe(0);
  await openModelFolder(path);
});

test('exits with 1 and one line when it cannot', async () => {
  await writeFile(join(folder.path, 'file'), '');
  const { code, stderr } = await run({ MODEL_DIR: 'file' }).result;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Model folder .*file.*\n$/);
  expect(stderr.trimEnd()).not.toContain('\n');
});
