import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';

let fleet: Fleet;
let openai: OpenAI;

beforeAll(async () => {
  fleet = await Fleet.start({
    pools: { chat: ['chat-a', 'chat-b'], embed: ['embed'] },
    backendSettings: {
      'chat-a': { model: 'llama-3', apiKey: 'backend-secret' },
      'chat-b': { model: 'qwen-2' },
    },
    settings: { default: 'chat', embeddings: 'embed' },
    env: { API_KEYS: 'tests:client-secret' },
  });
  openai = new OpenAI({ baseURL: `${fleet.url}/v1`, apiKey: 'client-secret', maxRetries: 0 });
});

afterAll(() => fleet?.[Symbol.asyncDispose]());

const messages = [{ role: 'user' as const, content: 'good morning' }];

test('chat', async () => {
  const answer = await openai.chat.completions.create({ model: 'auto', messages });
  expect(answer.choices[0]?.message.content).toContain('good morning');
  expect(answer.usage?.total_tokens).toBeGreaterThan(0);
});

test('chat as a stream, with usage', async () => {
  const stream = await openai.chat.completions.create({
    model: 'pool:chat',
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let usage: OpenAI.CompletionUsage | null | undefined;
  for await (const chunk of stream) usage = chunk.usage;
  expect(usage?.completion_tokens).toBeGreaterThan(0);
});

test('completions, with and without a stream', async () => {
  const whole = await openai.completions.create({ model: 'auto', prompt: 'once upon a time' });
  expect(whole.choices[0]?.text).toContain('once upon a time');
  const stream = await openai.completions.create({ model: 'auto', prompt: 'once', stream: true });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
  expect(text).toContain('once');
});

test('embeddings go to their pool without being classified', async () => {
  const { data, response } = await openai.embeddings
    .create({ model: 'auto', input: ['one', 'two'] })
    .withResponse();
  expect(data.data).toHaveLength(2);
  expect(data.data[0]?.embedding.length).toBeGreaterThan(8);
  expect(response.headers.get('x-switchyard-pool')).toBe('embed');
  expect(response.headers.get('x-switchyard-intent')).toBeNull();
  const byName = await openai.embeddings.create({ model: 'sim-embed', input: 'x' }).withResponse();
  expect(byName.response.headers.get('x-switchyard-source')).toBe('explicit');
});

test('models: what may be asked for', async () => {
  const ids = (await openai.models.list()).data.map(({ id }) => id);
  expect(ids).toEqual(
    expect.arrayContaining(['auto', 'pool:chat', 'pool:embed', 'llama-3', 'qwen-2', 'sim-embed']),
  );
  expect(await openai.models.retrieve('qwen-2')).toMatchObject({ id: 'qwen-2', object: 'model' });
  await expect(openai.models.retrieve('nope')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
});

test('a model that was asked for is served only by the backend that has it', async () => {
  for (let i = 0; i < 4; i++) {
    const answer = await openai.chat.completions
      .create({ model: 'qwen-2', messages })
      .withResponse();
    expect(answer.response.headers.get('x-switchyard-backend')).toBe('chat-b');
    expect(answer.data.model).toBe('qwen-2');
  }
});

test('each backend gets its own key and model, never those of the client', async () => {
  for (const name of ['chat-a', 'chat-b', 'embed']) fleet.backend(name).clear();
  for (let i = 0; i < 4; i++) await openai.chat.completions.create({ model: 'auto', messages });
  const seen = ['chat-a', 'chat-b'].map((name) => {
    const [request] = fleet
      .backend(name)
      .requests()
      .filter(({ method }) => method === 'POST');
    return { key: request?.headers.authorization, model: JSON.parse(request?.body ?? '{}').model };
  });
  expect(seen).toEqual([
    { key: 'Bearer backend-secret', model: 'llama-3' },
    { key: undefined, model: 'qwen-2' },
  ]);
});

describe('error classes', () => {
  test('a wrong key is an AuthenticationError', async () => {
    const stranger = new OpenAI({ baseURL: `${fleet.url}/v1`, apiKey: 'guess', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
    await expect(
      stranger.chat.completions.create({ model: 'auto', messages }),
    ).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
  });

  test('an unknown model is a NotFoundError', async () => {
    const asked = openai.chat.completions.create({ model: 'gpt-17', messages });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(
      openai.chat.completions.create({ model: 'pool:nope', messages }),
    ).rejects.toMatchObject({ code: 'model_not_found', param: 'model' });
  });

  test('missing messages are a BadRequestError', async () => {
    const asked = openai.chat.completions.create({ model: 'auto', messages: [] });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });

  test('a backend that is overloaded for good is a RateLimitError', async () => {
    await fleet.backend('embed').set({ fault: { type: 'error', status: 429, times: 1 } });
    const asked = openai.embeddings.create({ model: 'auto', input: 'x' });
    await expect(asked).rejects.toBeInstanceOf(OpenAI.RateLimitError);
  });

  test('a stream that breaks throws instead of ending early', async () => {
    for (const name of ['chat-a', 'chat-b']) await fleet.backend(name).set({ fault: 'cut:3' });
    const stream = await openai.chat.completions.create({ model: 'auto', messages, stream: true });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
    for (const name of ['chat-a', 'chat-b']) await fleet.backend(name).set({ fault: 'none' });
  });
});

test.each([{ stream: true }, { stream: false }])(
  'a client that leaves cancels the call of the backend, %o',
  async ({ stream }) => {
    for (const name of ['chat-a', 'chat-b'])
      await fleet.backend(name).set({ tokens: 2000, tokensPerSecond: 50, ttftMs: 20 });
    const aborted = () =>
      ['chat-a', 'chat-b'].reduce((sum, name) => sum + fleet.backend(name).stats().aborted, 0);
    const before = aborted();
    const leaving = new AbortController();
    const call = openai.chat.completions.create(
      { model: 'auto', messages, stream },
      { signal: leaving.signal },
    );
    if (stream) for await (const _ of (await call) as AsyncIterable<unknown>) break;
    else {
      await eventually(async () => {
        const busy = ['chat-a', 'chat-b'].map((name) => fleet.backend(name).stats().inFlight);
        expect(Math.max(...busy)).toBe(1);
      });
      leaving.abort();
      await expect(call).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    }
    await eventually(() => expect(aborted()).toBe(before + 1));
    const key = { authorization: 'Bearer client-secret' };
    await eventually(async () => {
      const status = await (await fetch(`${fleet.url}/status`, { headers: key })).json();
      const { pools } = status as { pools: { backends: { inFlight: number }[] }[] };
      expect(pools.flatMap((pool) => pool.backends.map((b) => b.inFlight))).toEqual([0, 0, 0]);
    });
  },
);
