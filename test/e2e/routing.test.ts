import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const routes = {
  'code generation': 'code',
  'code debugging': 'code',
  'emotional support': 'chat',
  'general chat': 'chat',
  'quick question': 'fast',
};

const keywords = [{ pattern: '\\b(code|python)\\b', intent: 'code generation' }];

let data: Awaited<ReturnType<typeof temporaryDirectory>>;
let classifier: ServiceProcess;
let fleet: Fleet;
let openai: OpenAI;

beforeAll(async () => {
  data = await temporaryDirectory();
  classifier = await startClassifier(data.path);
  fleet = await Fleet.start({
    pools: { chat: ['chat'], code: ['code-a', 'code-b'], fast: ['fast'] },
    settings: { routes, keywords, default: 'chat', classification: { timeoutMs: 5000 } },
    classifierUrl: classifier.url,
  });
  openai = new OpenAI({ baseURL: `${fleet.url}/v1`, apiKey: 'not-needed', maxRetries: 0 });
  await eventually(async () => expect((await fleet.status()).classifier.connected).toBe(true));
});

afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await classifier?.[Symbol.asyncDispose]();
  await data?.[Symbol.asyncDispose]();
});

const header = (response: Response, name: string) => response.headers.get(`x-switchyard-${name}`);

describe('prompts reach the pool that is meant for them', () => {
  const prompts = [
    ['Write a Python function to sort a list', 'code generation', 'code'],
    ["I'm feeling anxious about my deadline", 'emotional support', 'chat'],
    ['hi', 'quick question', 'fast'],
  ] as const;

  for (const [prompt, intent, pool] of prompts) {
    test(`"${prompt}" -> ${pool}`, async () => {
      const first = await fleet.chat(prompt);
      expect(first.status).toBe(200);
      expect(header(first, 'source')).toBe('classifier');
      expect(header(first, 'intent')).toBe(intent);
      expect(header(first, 'confidence')).toMatch(/^[01]\.\d{3}$/);
      expect(header(first, 'pool')).toBe(pool);
      expect(header(first, 'attempts')).toBe('1');
      expect(first.headers.get('x-simulated-backend')).toBe(header(first, 'backend'));
      expect(await first.text()).toContain(prompt);

      const again = await fleet.chat(prompt);
      await again.text();
      expect(header(again, 'source')).toBe('cache');
      expect(header(again, 'pool')).toBe(pool);
    });

    test(`"${prompt}" through the openai client, streaming`, async () => {
      const { data: stream, response } = await openai.chat.completions
        .create({ model: 'auto', stream: true, messages: [{ role: 'user', content: prompt }] })
        .withResponse();
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      expect(header(response, 'pool')).toBe(pool);
      expect(text).toContain(prompt);
    });

    test(`"${prompt}" as a completion, and asked for with /route`, async () => {
      const completion = await openai.completions.create({ model: 'auto', prompt }).withResponse();
      expect(header(completion.response, 'pool')).toBe(pool);
      const route = await fleet.post('/route', { prompt });
      expect(await route.json()).toMatchObject({ intent, pool, source: 'cache' });
    });
  }
});

test('/route names the backend that the next request goes to, and takes no turn itself', async () => {
  const ask = { prompt: 'Write a Python function to sort a list' };
  for (let i = 0; i < 4; i++) {
    const { backend } = (await (await fleet.post('/route', ask)).json()) as { backend: string };
    await fleet.post('/route', ask);
    const served = await fleet.chat(ask.prompt);
    await served.text();
    expect(header(served, 'backend')).toBe(backend);
  }
});

describe('in a conversation', () => {
  const opening = [
    { role: 'user', content: 'Write a Python function to sort a list' },
    { role: 'assistant', content: 'def f(xs): return sorted(xs)' },
  ];

  for (const followUp of ['thanks', 'and now in Rust', 'ok do it'])
    test(`"${followUp}" keeps the intent of the turn before`, async () => {
      const messages = [...opening, { role: 'user', content: followUp }];
      const response = await fleet.post('/v1/chat/completions', { messages });
      await response.text();
      expect(header(response, 'pool')).toBe('code');
      expect(header(response, 'intent')).toBe('code generation');
      expect(['classifier', 'cache']).toContain(header(response, 'source'));
    });

  test('a turn with an intent of its own goes its own way', async () => {
    const messages = [
      ...opening,
      { role: 'user', content: "I'm feeling anxious about my deadline" },
    ];
    const response = await fleet.post('/v1/chat/completions', { messages });
    await response.text();
    expect(header(response, 'pool')).toBe('chat');
  });

  test('wrappers of a harness, tool results and system text do not decide', async () => {
    const messages = [
      { role: 'system', content: 'You translate poems and write Python code.' },
      {
        role: 'user',
        content:
          '<system-reminder>Write a Python function to sort a list, with tests.</system-reminder>\nhi',
      },
      { role: 'tool', tool_call_id: 'x', content: 'Traceback (most recent call last): KeyError' },
    ];
    const response = await fleet.post('/v1/chat/completions', { messages });
    await response.text();
    expect(header(response, 'pool')).toBe('fast');
  });
});

test('five exemplars of a new intent change the next answer, and the router follows', async () => {
  const prompt = 'our espresso machine leaks at the brew group, which gasket do we need?';
  const classify = async () => {
    const response = await fetch(`${classifier.url}/v1/classify`, {
      method: 'POST',
      body: JSON.stringify({ text: prompt }),
    });
    return (await response.json()) as { intent: string | null };
  };
  for (let i = 0; i < 2; i++) await (await fleet.chat(prompt)).text();
  const before = (await (await fleet.post('/route', { prompt })).json()) as { intent: string };
  expect(before.intent).not.toBe('coffee machines');

  const texts = [
    'the espresso machine drips from the portafilter',
    'which gasket fits the brew group of our coffee machine?',
    'descaling a coffee machine: how often and with what?',
    'the steam wand of the espresso machine is clogged',
    'our coffee grinder makes the grounds too coarse',
  ];
  const added = await fetch(`${classifier.url}/v1/intents/coffee machines/exemplars`, {
    method: 'POST',
    body: JSON.stringify({ texts }),
  });
  expect(added.status).toBe(201);
  expect(await classify()).toMatchObject({ intent: 'coffee machines' });

  const { tookMs } = await eventually(async () => {
    const response = await fleet.chat(prompt);
    await response.text();
    expect(header(response, 'intent')).toBe('coffee machines');
    expect(header(response, 'source')).toBe('default');
  });
  console.info(`a changed exemplar reached the router after ${tookMs.toFixed(0)} ms`);
});

test('nothing is left in flight', () => fleet.allLeasesReturned());
