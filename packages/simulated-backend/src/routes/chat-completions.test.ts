import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedBackend, startSimulatedBackend } from '../simulated-backend.js';

let backend: SimulatedBackend;
let client: OpenAI;

beforeAll(async () => {
  backend = await startSimulatedBackend({ name: 'code-a', ttftMs: 0, tokensPerSecond: 0 });
  client = new OpenAI({ baseURL: `${backend.url}/v1`, apiKey: 'secret', maxRetries: 0 });
});
afterAll(() => backend.close());

const messages = [
  { role: 'system' as const, content: 'Be brief.' },
  { role: 'user' as const, content: 'first' },
  { role: 'assistant' as const, content: 'ok' },
  { role: 'user' as const, content: 'sort a  list' },
];

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

function post(body: string): Promise<Response> {
  return fetch(`${backend.url}/v1/chat/completions`, { method: 'POST', body });
}

describe('POST /v1/chat/completions', () => {
  it('answers the newest user message in the shape of OpenAI', async () => {
    const { data, response } = await client.chat.completions
      .create({ model: 'some-model', messages })
      .withResponse();
    expect(response.headers.get('x-simulated-backend')).toBe('code-a');
    expect(data).toMatchObject({
      object: 'chat.completion',
      model: 'some-model',
      system_fingerprint: 'sim-code-a',
      usage: { prompt_tokens: 7, completion_tokens: 16, total_tokens: 23 },
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant' } }],
    });
    expect(data.id).toMatch(/^chatcmpl-/);
    const text = data.choices[0]?.message.content ?? '';
    expect(text).toMatch(/^\[code-a\] sort a {2}list and so /);
    expect(text.split(/\s+/)).toHaveLength(16);
  });

  it('tells what it received', async () => {
    const response = await post(JSON.stringify({ messages, seed: 7 }));
    expect(await response.json()).toMatchObject({
      model: 'sim-code-a',
      simulated: {
        backend: 'code-a',
        received: {
          method: 'POST',
          path: '/v1/chat/completions',
          headers: { host: `127.0.0.1:${backend.port}` },
          body: { messages, seed: 7 },
        },
      },
    });
  });

  it('streams role, tokens, finish reason and usage, in this order', async () => {
    const stream = await client.chat.completions.create({
      model: 'm',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await collect(stream);
    expect(chunks).toHaveLength(1 + 16 + 1 + 1);
    expect(new Set(chunks.map(({ id, object, model }) => `${id} ${object} ${model}`)).size).toBe(1);
    expect(chunks[0]).toMatchObject({
      object: 'chat.completion.chunk',
      choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }],
      usage: null,
    });
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
    expect(text).toMatch(/^\[code-a\] sort a {2}list and so /);
    expect(chunks.at(-2)?.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 16 } });
  });

  it('frames its events as OpenAI does and ends with [DONE]', async () => {
    const response = await post(JSON.stringify({ messages, stream: true, max_tokens: 2 }));
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = (await response.text()).split('\n\n');
    expect(events).toHaveLength(1 + 2 + 1 + 1 + 1);
    expect(events.slice(-2)).toEqual(['data: [DONE]', '']);
    for (const event of events.slice(0, -2)) {
      expect(JSON.parse(event.slice('data: '.length))).not.toHaveProperty('usage');
    }
  });

  it.each([
    [{ max_tokens: 3 }, '[code-a] sort a', 'length'],
    [{ max_completion_tokens: 1, max_tokens: 9 }, '[code-a]', 'length'],
  ])('respects %o', async (limit, text, finishReason) => {
    const answer = await client.chat.completions.create({ model: 'm', messages, ...limit });
    expect(answer.choices[0]).toMatchObject({
      message: { content: text },
      finish_reason: finishReason,
    });
  });

  it('sends a long answer whole', async () => {
    const stream = await client.chat.completions.create({
      model: 'm',
      messages,
      stream: true,
      max_tokens: 3000,
    });
    expect(await collect(stream)).toHaveLength(1 + 3000 + 1);
  });

  it('reads content parts and null options', async () => {
    const content = [
      { type: 'image_url', image_url: { url: 'data:,' } },
      { type: 'text', text: 'what is this' },
    ];
    const body = { messages: [{ role: 'user', content }], max_tokens: null, stream: null };
    expect(await (await post(JSON.stringify(body))).json()).toMatchObject({
      choices: [{ message: { content: expect.stringMatching(/^\[code-a\] what is this /) } }],
    });
  });

  it.each([
    ['{"messages":', 'invalid_json', null],
    ['', 'invalid_json', null],
    ['{}', 'invalid_request', 'messages'],
    ['{"messages":[]}', 'invalid_request', 'messages'],
    ['{"messages":[{"content":"x"}]}', 'invalid_request', 'messages[0].role'],
    ['{"messages":[{"role":"user"}],"max_tokens":0}', 'invalid_request', 'max_tokens'],
    ['{"messages":[{"role":"user"}],"n":2}', 'invalid_request', 'n'],
  ])('refuses %s with 400', async (body, code, param) => {
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(response.headers.get('x-simulated-backend')).toBe('code-a');
    expect(await response.json()).toEqual({
      error: { message: expect.any(String), type: 'invalid_request_error', param, code },
    });
  });
});
