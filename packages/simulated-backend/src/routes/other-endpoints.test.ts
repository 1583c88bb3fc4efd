import { createHash } from 'node:crypto';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SimulatedBackend, startSimulatedBackend } from '../simulated-backend.js';

let backend: SimulatedBackend;
let client: OpenAI;

beforeAll(async () => {
  backend = await startSimulatedBackend({ name: 'b', ttftMs: 0, tokensPerSecond: 0, tokens: 4 });
  client = new OpenAI({ baseURL: `${backend.url}/v1`, apiKey: 'k', maxRetries: 0 });
});
afterAll(() => backend.close());
beforeEach(() => backend.clear());

async function get(path: string): Promise<unknown> {
  return (await fetch(backend.url + path)).json();
}

describe('POST /v1/completions', () => {
  it('answers a string', async () => {
    expect(await client.completions.create({ model: 'm', prompt: 'hello you' })).toMatchObject({
      object: 'text_completion',
      model: 'm',
      choices: [{ index: 0, text: '[b] hello you and', logprobs: null, finish_reason: 'stop' }],
      usage: { completion_tokens: 4 },
    });
  });

  it('answers an array with one choice each', async () => {
    const prompt = ['one', 'two'];
    const { choices } = await client.completions.create({ model: 'm', prompt, max_tokens: 2 });
    expect(choices.map(({ index, text }) => [index, text])).toEqual([
      [0, '[b] one'],
      [1, '[b] two'],
    ]);
  });

  it('streams every choice', async () => {
    const prompt = ['one', 'two'];
    const stream = await client.completions.create({ model: 'm', prompt, stream: true });
    const texts = ['', ''];
    const finished: number[] = [];
    for await (const { choices } of stream) {
      const [choice] = choices;
      if (choice === undefined) continue;
      texts[choice.index] += choice.text;
      if (choice.finish_reason !== null) finished.push(choice.index);
    }
    expect(texts).toEqual(['[b] one and so', '[b] two and so']);
    expect(finished).toEqual([0, 1]);
  });

  it('needs a prompt', async () => {
    const attempt = fetch(`${backend.url}/v1/completions`, { method: 'POST', body: '{}' });
    expect(await (await attempt).json()).toMatchObject({ error: { param: 'prompt' } });
  });
});

describe('POST /v1/embeddings', () => {
  it('answers the same unit vectors as base64, the default of the client, and as floats', async () => {
    const input = ['alpha', 'beta', 'alpha'];
    const encoded = await client.embeddings.create({ model: 'e', input });
    const floats = await client.embeddings.create({ model: 'e', input, encoding_format: 'float' });
    const [alpha = [], beta = [], again] = floats.data.map(({ embedding }) => embedding);
    expect(encoded.data.map(({ embedding }) => [...embedding])).toEqual([alpha, beta, again]);
    expect(again).toEqual(alpha);
    expect(beta).not.toEqual(alpha);
    expect(alpha).toHaveLength(32);
    expect(Math.hypot(...alpha)).toBeCloseTo(1, 5);
    expect(floats).toMatchObject({ object: 'list', model: 'e', usage: { prompt_tokens: 5 } });
    expect(floats.data.map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  it.each([
    ['one text', 1],
    [[1, 2, 3], 1],
    [[[1, 2], [3]], 2],
  ])('takes %o', async (input, count) => {
    expect((await client.embeddings.create({ model: 'e', input })).data).toHaveLength(count);
  });

  it('needs input', async () => {
    const attempt = fetch(`${backend.url}/v1/embeddings`, { method: 'POST', body: '{"input":[]}' });
    expect(await (await attempt).json()).toMatchObject({ error: { param: 'input' } });
  });
});

describe('GET /v1/models', () => {
  it('lists the default id, then those set', async () => {
    const ids = async () => (await client.models.list()).data.map(({ id }) => id);
    expect(await ids()).toEqual(['sim-b']);
    await backend.set({ models: ['org/model-1', 'model-2'] });
    expect(await ids()).toEqual(['org/model-1', 'model-2']);
    expect(await client.models.retrieve('org/model-1')).toMatchObject({ object: 'model' });
    await expect(client.models.retrieve('sim-b')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
    await backend.set({ models: [] });
    expect(await ids()).toEqual([]);
  });
});

describe("llama.cpp's endpoints", () => {
  it('shows health, props and slots', async () => {
    await backend.set({ slots: 2 });
    expect(await get('/health')).toEqual({ status: 'ok' });
    expect(await get('/props')).toMatchObject({
      total_slots: 2,
      default_generation_settings: { n_ctx: 8192 },
      model_path: expect.any(String),
    });
    expect(await get('/slots')).toMatchObject([
      { id: 0, is_processing: false },
      { id: 1, is_processing: false },
    ]);
  });
});

describe('other paths', () => {
  it('echoes a POST under /v1, whatever it carries', async () => {
    const bytes = Buffer.from([0, 255, 10, 200]);
    const url = `${backend.url}/v1/audio/transcriptions?x=1`;
    const answer = await fetch(url, { method: 'POST', body: bytes });
    expect(await answer.json()).toMatchObject({
      object: 'echo',
      model: null,
      body_bytes: 4,
      body_sha256: createHash('sha256').update(bytes).digest('hex'),
      simulated: { received: { path: '/v1/audio/transcriptions?x=1', body: bytes.toString() } },
    });
    const json = await client.post('/responses', { body: { model: 'm', input: 'hi' } });
    expect(json).toMatchObject({
      object: 'echo',
      model: 'm',
      simulated: { received: { headers: { authorization: 'Bearer k' }, body: { input: 'hi' } } },
    });
    expect(backend.stats()).toMatchObject({ requests: 2, completed: 2 });
  });

  it.each([
    ['GET', '/v1/files'],
    ['GET', '/'],
    ['POST', '/elsewhere'],
  ])('does not know %s %s', async (method, path) => {
    const response = await fetch(backend.url + path, { method });
    expect(response.status).toBe(404);
    expect(response.headers.get('x-simulated-backend')).toBe('b');
    expect(await response.json()).toMatchObject({ error: { code: 'not_found' } });
    expect(backend.stats()).toMatchObject({ requests: 0, probes: 1 });
  });
});
