import { expect, test } from 'vitest';
import { demandsOf } from './demands.js';

const user = (content: unknown) => ({ role: 'user', content });
const text = (characters: number) => 'x'.repeat(characters);
const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${text(4000)}` } };

test.each<[string, Record<string, unknown>, object]>([
  ['nothing', {}, { images: false, tools: false, tokens: 0 }],
  ['a message', { messages: [user(text(400))] }, { images: false, tokens: 100 }],
  [
    'every message, the system text too',
    { messages: [{ role: 'system', content: text(40) }, user(text(41))] },
    { tokens: 21 },
  ],
  [
    'text parts',
    {
      messages: [
        user([
          { type: 'text', text: text(80) },
          { type: 'text', text: text(20) },
        ]),
      ],
    },
    { tokens: 25 },
  ],
  [
    'an image, whose data is not text',
    { messages: [user([image, { type: 'text', text: text(8) }])] },
    { images: true, tokens: 2 },
  ],
  [
    'an image of the responses API',
    { input: [user([{ type: 'input_image', image_url: 'x' }])] },
    { images: true },
  ],
  [
    'an image of the messages API',
    { messages: [user([{ type: 'image', source: {} }])] },
    { images: true },
  ],
  [
    'a tool result',
    { messages: [user([{ type: 'tool_result', content: [{ type: 'text', text: text(40) }] }])] },
    { tokens: 10 },
  ],
  [
    'an image in a tool result',
    { messages: [user([{ type: 'tool_result', content: [{ type: 'image' }] }])] },
    { images: true },
  ],
  ['a prompt', { prompt: text(44) }, { tokens: 11 }],
  ['several prompts', { prompt: [text(44), text(4)] }, { tokens: 12 }],
  ['token ids', { prompt: [1, 2, 3] }, { tokens: 0 }],
  ['an input and a system text', { input: text(4), system: text(8) }, { tokens: 3 }],
  ['tools', { tools: [{ type: 'function' }] }, { tools: true }],
  ['an empty list of tools', { tools: [] }, { tools: false }],
  ['tools that are no list', { tools: 'all' }, { tools: false }],
  [
    'types that are none',
    { messages: 7, prompt: null, input: { content: 1 } },
    { images: false, tokens: 0 },
  ],
])('%s', (_what, body, demands) => {
  expect(demandsOf(body)).toMatchObject(demands);
});
