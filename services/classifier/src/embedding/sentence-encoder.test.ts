import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { prepareModel } from './preparation/index.js';
import { loadSentenceEncoder, meanPooled } from './sentence-encoder.js';

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const BUDGET = 32;

let encode: Awaited<ReturnType<typeof loadSentenceEncoder>>;

beforeAll(async () => {
  const modelDir = process.env.MODEL_DIR ?? join(repository, '.models');
  const { path, dtype } = await prepareModel({ modelDir, log: () => undefined });
  encode = await loadSentenceEncoder({ model: path, remote: false, dtype, maxTokens: BUDGET });
});

const cosine = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
const similarity = async (a: string, b: string) =>
  cosine((await encode(a)).vector, (await encode(b)).vector);

test('gives unit vectors, the same for the same text, whatever ran in between', async () => {
  const first = await encode('Write a Python function to sort a list');
  await encode('x '.repeat(5000));
  const again = await encode('Write a Python function to sort a list');
  expect(first.vector).toHaveLength(384);
  expect(cosine(first.vector, first.vector)).toBeCloseTo(1, 5);
  expect(again).toEqual(first);
});

test.each([
  ['Sort an array in Java', 'Write code that orders a list', 'My cat died and I feel empty'],
  ['I am worried about my exam', 'anxious before a test', 'Translate this into French'],
  [
    'weather in Paris today',
    'Is it raining in France right now?',
    'Prove that sqrt(2) is irrational',
  ],
])('"%s" is closer to "%s" than to "%s"', async (text, related, unrelated) => {
  expect(await similarity(text, related)).toBeGreaterThan(
    (await similarity(text, unrelated)) + 0.1,
  );
});

test("the model's own embedding is the last layer's; what is compared has the layers before in it", async () => {
  const { vector, sentence } = await encode('Write a Python function to sort a list');
  expect(cosine(sentence, sentence)).toBeCloseTo(1, 5);
  expect(cosine(vector, sentence)).toBeGreaterThan(0.5);
  expect(cosine(vector, sentence)).toBeLessThan(0.99);
});

test('counts the special tokens, and an empty text has only them', async () => {
  expect((await encode('hello')).tokens).toBe(3);
  expect((await encode('')).tokens).toBe(2);
});

test('a long text keeps its beginning and its end within the budget', async () => {
  const paste = 'lorem ipsum dolor sit amet '.repeat(300);
  const first = 'Please summarize the following text in one sentence:';
  const last = 'Now translate the summary into Spanish please.';
  const long = await encode(`${first} ${paste} ${last}`);
  expect(long.tokens).toBe(BUDGET);
  // What stands in the middle makes no difference; either end does.
  expect((await encode(`${first} ${paste} zebra ${paste} ${last}`)).vector).toEqual(long.vector);
  expect((await encode(`${paste} ${last}`)).vector).not.toEqual(long.vector);
  expect((await encode(`${first} ${paste}`)).vector).not.toEqual(long.vector);
});

test.each(['😀'.repeat(3000), '\ud800 lone', '\u0000', '日本語の文章です', 'a'.repeat(8192)])(
  'takes any text (%#)',
  async (text) => {
    const { vector, tokens } = await encode(text);
    expect(tokens).toBeLessThanOrEqual(BUDGET);
    expect(vector.every(Number.isFinite)).toBe(true);
  },
);

test('mean pooling by hand', () => {
  // Two tokens of three dimensions: the sum is (3, 0, 4), its norm 5.
  const states = Float32Array.of(1, 2, 1, 2, -2, 3);
  expect([...meanPooled(states, 2)].map((value) => value.toFixed(6))).toEqual([
    '0.600000',
    '0.000000',
    '0.800000',
  ]);
  expect([...meanPooled(new Float32Array(4), 2)]).toEqual([0, 0]);
});
