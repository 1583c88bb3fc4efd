import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { modelFiles } from './model-files.js';
import { readModelSource } from './model-source.js';
import { Safetensors } from './safetensors.js';
import { cosine, loadModel, meanPool } from './test-support/loaded-model.js';
import { referenceHiddenStates } from './test-support/reference-encoder.js';
import { temporaryFolder, writeModelFiles } from './test-support/temporary-folder.js';
import { variedTexts } from './test-support/varied-texts.js';

const WIDTH = 384;
const LAYERS = 6;

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let weights: Safetensors;
let float: Awaited<ReturnType<typeof loadModel>>;
let int8: Awaited<ReturnType<typeof loadModel>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const source = await readModelSource();
  weights = new Safetensors(source.weights);
  for (const dtype of ['fp32', 'q8'] as const) {
    await writeModelFiles(join(folder.path, dtype), modelFiles(source, dtype));
  }
  float = await loadModel(join(folder.path, 'fp32'), 'fp32');
  int8 = await loadModel(join(folder.path, 'q8'), 'q8');
});
afterAll(async () => {
  for (const each of [int8, float, folder]) await each[Symbol.asyncDispose]();
});

describe('the float32 graph computes what an independent encoder does', () => {
  test.each([
    'a',
    'what is the capital of france',
    'for (let i = 0; i < n; i++) sum += a[i];',
    'Wie komme ich zum Flughafen? 🚀',
    '今天天气怎么样？',
  ])('%s', async (text) => {
    const { ids, dims, data, earlier } = await float.hiddenStates(text);
    expect(dims).toEqual([1, ids.length, WIDTH]);
    for (const [before, states] of [data, ...earlier].entries()) {
      const reference = referenceHiddenStates(weights, ids, LAYERS - before);
      expect(cosine(meanPool(states, WIDTH), meanPool(reference, WIDTH))).toBeGreaterThanOrEqual(
        0.9999,
      );
      const differences = states.map((value, i) => Math.abs(value - (reference[i] ?? Number.NaN)));
      expect(Math.max(...differences)).toBeLessThan(1e-3);
    }
  });
});

test('padding changes nothing', async () => {
  const alone = await float.hiddenStates('short');
  const padded = await float.hiddenStates('short', 'a neighbour that is a good deal longer');
  expect(padded.ids.length).toBeGreaterThan(alone.ids.length);
  const differences = alone.data.map((value, i) => Math.abs(value - (padded.data[i] as number)));
  expect(Math.max(...differences)).toBeLessThan(1e-4);
});

test('the int8 graph keeps the direction of the vectors', async () => {
  expect(new Set(variedTexts).size).toBe(100);
  const cosines: number[] = [];
  for (const text of variedTexts) {
    const [exact, quantized] = [await float.hiddenStates(text), await int8.hiddenStates(text)];
    expect(quantized.dims).toEqual(exact.dims);
    cosines.push(cosine(meanPool(exact.data, WIDTH), meanPool(quantized.data, WIDTH)));
  }
  expect(cosines.reduce((sum, each) => sum + each, 0) / 100).toBeGreaterThanOrEqual(0.985);
  expect(Math.min(...cosines)).toBeGreaterThanOrEqual(0.95);
});

test('a long text is cut at the 256 tokens the model was trained for', async () => {
  expect((await int8.hiddenStates('word '.repeat(1000))).ids).toHaveLength(256);
});
