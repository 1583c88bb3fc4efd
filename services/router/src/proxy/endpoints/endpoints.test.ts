import { HttpError } from '@switchyard/service-kit';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from './endpoint.js';
import { endpointFor, hasAdapter } from './endpoints.js';

const said = (path: string, body: JsonObject) => {
  const endpoint = endpointFor(path);
  endpoint.check(body);
  return endpoint.humanTurns(body);
};
const text = (words: string) => ({ type: 'text', text: words });
const user = (content: unknown) => ({ role: 'user', content });
const bot = (content: unknown) => ({ role: 'assistant', content });

describe.each(['/v1/chat/completions', '/v1/messages'])('%s', (path) => {
  test.each<[string, unknown[], string[]]>([
    ['one message', [user('hi')], ['hi']],
    ['the newest human turn first', [user('one'), bot('1'), user('two'), bot('2')], ['two', 'one']],
    ['text parts as one turn', [user([text('a'), text('b')])], ['a\nb']],
    ['only the text parts', [user([text('a'), { type: 'image_url', image_url: {} }])], ['a']],
    [
      'never system, developer, assistant or tool text',
      [
        { role: 'system', content: 's' },
        { role: 'developer', content: 'd' },
        user('hi'),
        bot('b'),
        { role: 'tool', content: 't', tool_call_id: '1' },
        { role: 'function', content: 'f' },
      ],
      ['hi'],
    ],
    [
      'no tool results, which are user messages too',
      [
        user('list the files'),
        bot([{ type: 'tool_use', id: '1' }]),
        user([{ type: 'tool_result', tool_use_id: '1', content: [text('a.txt')] }]),
      ],
      ['list the files'],
    ],
    [
      'what comes beside a tool result',
      [user([{ type: 'tool_result', content: 'a.txt', text: 'no' }, text('thanks')])],
      ['thanks'],
    ],
    [
      'no turns without text',
      [user('a'), user(''), user(' \n'), user(null), user([]), user(7)],
      ['a'],
    ],
    [
      'parts that are none',
      [user([null, 'bare', 7, { type: 'text' }, { type: 'text', text: 5 }])],
      [],
    ],
    ['no human at all', [{ role: 'system', content: 's' }, {}, { role: 7 }], []],
  ])('%s', (_what, messages, turns) => {
    expect(said(path, { messages })).toEqual(turns);
  });
});

describe('/v1/responses', () => {
  test.each<[string, unknown, string[]]>([
    ['a text', 'hi', ['hi']],
    [
      'message items',
      [user('one'), bot('x'), user([{ type: 'input_text', text: 'two' }])],
      ['two', 'one'],
    ],
    [
      'no other items',
      [
        {
          type: 'message',
          role: 'user',
          content: [{ type: 'input_text', text: 'a' }, { type: 'input_image' }],
        },
        { type: 'function_call_output', output: 'secret', call_id: '1' },
        { type: 'reasoning', summary: [{ type: 'summary_text', text: 'no' }] },
        { role: 'developer', content: 'no' },
      ],
      ['a'],
    ],
    ['none at all', undefined, []],
  ])('%s', (_what, input, turns) => {
    expect(said('/v1/responses', { input })).toEqual(turns);
  });
});

describe('/v1/completions', () => {
  test.each<[string, unknown, string[]]>([
    ['a text', 'hi', ['hi']],
    ['the first of several', ['a', 'b'], ['a']],
    ['token ids', [1, 2], []],
    ['several of token ids', [[1], [2]], []],
    ['an empty list', [], []],
  ])('%s', (_what, prompt, turns) => {
    expect(said('/v1/completions', { prompt })).toEqual(turns);
  });
});

test('nothing is said in embeddings and other requests', () => {
  expect(said('/v1/embeddings', { input: ['a', 'b'] })).toEqual([]);
  expect(said('/v1/images/generations', { prompt: 'a cat', messages: 7 })).toEqual([]);
});

test.each([
  ['/v1/chat/completions', 'prompt', true],
  ['/v1/messages', 'prompt', true],
  ['/v1/completions', 'prompt', true],
  ['/v1/responses', 'prompt', true],
  ['/v1/embeddings', 'embeddings', true],
  ['/v1/images/generations', 'other', false],
  ['/v1/chat/completions/', 'other', false],
  ['/v1/constructor', 'other', false],
])('%s is of kind %s', (path, kind, adapted) => {
  expect(endpointFor(path).kind).toBe(kind);
  expect(hasAdapter(path)).toBe(adapted);
});

test.each<[string, JsonObject, string]>([
  ['/v1/chat/completions', {}, 'messages'],
  ['/v1/chat/completions', { messages: null }, 'messages'],
  ['/v1/chat/completions', { messages: 'hi' }, 'messages'],
  ['/v1/chat/completions', { messages: { 0: user('hi') } }, 'messages'],
  ['/v1/chat/completions', { messages: [] }, 'messages'],
  ['/v1/chat/completions', { messages: [user('a'), 'b'] }, 'messages[1]'],
  ['/v1/messages', { messages: [null] }, 'messages[0]'],
  ['/v1/messages', { messages: [[]] }, 'messages[0]'],
  ['/v1/completions', {}, 'prompt'],
  ['/v1/completions', { prompt: null }, 'prompt'],
  ['/v1/completions', { prompt: { text: 'x' } }, 'prompt'],
  ['/v1/completions', { prompt: 7 }, 'prompt'],
  ['/v1/responses', { input: 7 }, 'input'],
  ['/v1/responses', { input: null }, 'input'],
  ['/v1/embeddings', {}, 'input'],
  ['/v1/embeddings', { input: {} }, 'input'],
])('%s with %j is refused for its %s', (path, body, param) => {
  try {
    endpointFor(path).check(body);
  } catch (error) {
    expect(error).toBeInstanceOf(HttpError);
    expect(error).toMatchObject({ status: 400, code: 'invalid_request', param });
    expect((error as HttpError).message.startsWith(`${param}: must be `)).toBe(true);
    return;
  }
  expect.unreachable('was accepted');
});
