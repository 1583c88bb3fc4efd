import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageReader } from './token-usage.js';

const JSON_TYPE = ['content-type', 'application/json; charset=utf-8'];

function read(text: string, chunkSize = text.length, headers = JSON_TYPE) {
  const reader = UsageReader.for(200, headers);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += Math.max(1, chunkSize))
    reader?.passed(bytes.subarray(at, at + Math.max(1, chunkSize)));
  return reader?.usage;
}

const usage = { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 };
const found = { inputTokens: 12, outputTokens: 34 };
const sse = (...events: unknown[]) =>
  `${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`;

describe('finds the usage of', () => {
  test.each<[string, string]>([
    ['an answer', JSON.stringify({ choices: [], usage })],
    [
      'an answer with details',
      JSON.stringify({ usage: { ...usage, details: { cached: 3 } }, x: 1 }),
    ],
    ['an indented answer', JSON.stringify({ choices: [], usage }, null, 2)],
    ['a long answer', JSON.stringify({ choices: ['x'.repeat(100_000)], usage })],
    ['a stream', sse({ choices: [1], usage: null }, { choices: [], usage })],
    ['messages', JSON.stringify({ usage: { input_tokens: 12, output_tokens: 34 } })],
    ['an answer that talks about it', JSON.stringify({ text: '"usage": {"a": 1}', usage })],
    [
      'an answer that talks about it afterwards',
      JSON.stringify({ usage, text: 'the "usage": {"prompt_tokens": 1}' }),
    ],
  ])('%s', (_what, text) => {
    expect(read(text)).toEqual(found);
  });

  test('messages that come as events, which tell input and output apart', () => {
    const start = {
      type: 'message_start',
      message: { usage: { input_tokens: 12, output_tokens: 1 } },
    };
    const text = { type: 'content_block_delta', delta: { text: 'x'.repeat(50_000) } };
    const delta = { type: 'message_delta', usage: { output_tokens: 34 } };
    expect(read(sse(start, text, delta), 1000)).toEqual(found);
  });

  test('an answer that begins with it', () => {
    expect(read(JSON.stringify({ usage, data: ['x'.repeat(100_000)] }), 4096)).toEqual(found);
  });

  test('whatever the chunks', () => {
    const text = sse({ choices: ['x'.repeat(20_000)] }, { usage });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30_000 }), (size) => {
        expect(read(text, size)).toEqual(found);
      }),
    );
  });

  test('embeddings, which have no output', () => {
    expect(read('{"usage":{"prompt_tokens":5,"total_tokens":5}}')).toEqual({
      inputTokens: 5,
      outputTokens: 0,
    });
  });
});

test.each<[string, string, string[]]>([
  ['none', '{"choices":[]}', JSON_TYPE],
  ['null', '{"usage":null}', JSON_TYPE],
  ['nonsense', '{"usage":{"prompt_tokens":"many","completion_tokens":-1}}', JSON_TYPE],
  ['a part', '{"usage":{"prompt_tokens":1', JSON_TYPE],
  ['bytes that are compressed', '{}', [...JSON_TYPE, 'content-encoding', 'gzip']],
  ['audio', JSON.stringify({ usage }), ['content-type', 'audio/wav']],
])('finds nothing in %s', (_what, text, headers) => {
  expect(read(text, text.length, headers)).toBeUndefined();
});

test('keeps little of a long answer', () => {
  const reader = UsageReader.for(200, JSON_TYPE);
  for (let n = 0; n < 1000; n++) reader?.passed(Buffer.alloc(64 * 1024));
  // Nothing to look at but the private tail: what the last chunk and 8 KB can hold.
  expect(reader?.keptBytes).toBeLessThanOrEqual(2 * (64 * 1024 + 8 * 1024));
});
