import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call } from '../support/classifier-client.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let service: ServiceProcess;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let client: OpenAI;

beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'off' });
  client = new OpenAI({ baseURL: `${service.url}/v1`, apiKey: 'unused', maxRetries: 0 });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

const model = 'all-MiniLM-L6-v2';
const cosine = (a: number[], b: number[]) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);

test('the openai client gets the same unit vectors, asked for base64 (its default) or floats', async () => {
  const input = ['a cat sat on the mat', 'a kitten is on the rug', 'quarterly tax filing'];
  const packed = await client.embeddings.create({ model, input });
  const plain = await client.embeddings.create({ model, input, encoding_format: 'float' });
  expect(packed.data.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(packed.model).toBe(model);
  expect(packed.usage.prompt_tokens).toBe(8 + 8 + 5);
  packed.data.forEach(({ embedding }, i) => {
    expect(embedding).toHaveLength(384);
    expect(cosine(embedding, embedding)).toBeCloseTo(1, 5);
    expect(cosine(embedding, plain.data[i]?.embedding ?? [])).toBeCloseTo(1, 5);
  });
  const [cat = [], kitten = [], tax = []] = packed.data.map(({ embedding }) => embedding);
  expect(cosine(cat, kitten)).toBeGreaterThan(cosine(cat, tax) + 0.3);
});

test('one string, the right dimensions, and no model at all are fine', async () => {
  const one = await client.embeddings.create({ model, input: 'hello', dimensions: 384 });
  expect(one.data).toHaveLength(1);
  const { status, body } = await call(service, 'POST', '/v1/embeddings', { input: 'hello' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ object: 'list', model, data: [{ object: 'embedding', index: 0 }] });
});

test('a vector does not depend on its neighbours in the request', async () => {
  const input = Array.from({ length: 256 }, (_, n) => `text ${n} ${'and more '.repeat(n % 17)}`);
  const together = await client.embeddings.create({ model, input });
  const alone = await client.embeddings.create({ model, input: input[100] ?? '' });
  expect(together.data).toHaveLength(256);
  expect(together.data[100]?.embedding).toEqual(alone.data[0]?.embedding);
});

test('the models are listed', async () => {
  const models = await client.models.list();
  expect(models.data.map(({ id }) => id)).toEqual([model]);
});

test('errors arrive as the classes of the client', async () => {
  const unknown = client.embeddings.create({ model: 'text-embedding-3-small', input: 'a' });
  await expect(unknown).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  await expect(unknown).rejects.toMatchObject({ code: 'model_not_found', param: 'model' });
  const wrong = client.embeddings.create({ model, input: 'a', dimensions: 256 });
  await expect(wrong).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  await expect(wrong).rejects.toMatchObject({ code: 'invalid_request', param: 'dimensions' });
});
