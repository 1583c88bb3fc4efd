import { describe, expect, test } from 'vitest';
import type { AffinitySettings } from '../configuration/affinity-settings.js';
import { AffinityKeys } from './affinity-key.js';
import type { JsonObject } from './endpoints/endpoint.js';
import { endpointFor } from './endpoints/endpoints.js';

const CLIENT = '192.0.2.9';
const by = (key: AffinitySettings['key'], header = 'x-session-id'): AffinitySettings => ({
  key,
  header,
  loadBound: 1.25,
});

function keyOf(
  affinity: AffinitySettings | undefined,
  body: JsonObject,
  { headers = {}, path = '/v1/chat/completions' } = {},
): string {
  const origin = { headers, socket: { remoteAddress: CLIENT } };
  return new AffinityKeys(origin, 0, endpointFor(path), body).of(affinity);
}

const system = { role: 'system', content: 'You are terse.' };
const user = (content: unknown) => ({ role: 'user', content });
const answer = { role: 'assistant', content: 'Yes.' };

test('of nothing in particular, and of the client: the address', () => {
  expect(keyOf(undefined, {})).toBe(CLIENT);
  expect(keyOf(by('client'), { user: 'u' })).toBe(CLIENT);
});

describe('session', () => {
  test('is what the header says, and nothing else', () => {
    const one = keyOf(by('session'), {}, { headers: { 'x-session-id': 's1' } });
    expect(keyOf(by('session'), { user: 'u' }, { headers: { 'x-session-id': 's1' } })).toBe(one);
    expect(keyOf(by('session'), {}, { headers: { 'x-session-id': 's2' } })).not.toBe(one);
    expect(keyOf(by('session', 'x-chat'), {}, { headers: { 'x-chat': 's1' } })).toBe(one);
  });

  test('without the header, or an empty one: the address', () => {
    expect(keyOf(by('session'), {})).toBe(CLIENT);
    expect(keyOf(by('session'), {}, { headers: { 'x-session-id': '' } })).toBe(CLIENT);
  });
});

describe('user', () => {
  test.each<[JsonObject]>([
    [{ user: 'u1' }],
    [{ safety_identifier: 'u1' }],
    [{ metadata: { user_id: 'u1' } }],
    [{ user: 'u1', safety_identifier: 'other' }],
  ])('%j', (body) => {
    expect(keyOf(by('user'), body)).toBe(keyOf(by('user'), { user: 'u1' }));
    expect(keyOf(by('user'), body)).not.toBe(keyOf(by('user'), { user: 'u2' }));
  });

  test.each<[JsonObject]>([[{}], [{ user: 7 }], [{ user: '' }], [{ metadata: 'x' }]])(
    'none in %j: the address',
    (body) => expect(keyOf(by('user'), body)).toBe(CLIENT),
  );

  test('is no session of the same name', () => {
    const session = keyOf(by('session'), {}, { headers: { 'x-session-id': 'u1' } });
    expect(keyOf(by('user'), { user: 'u1' })).not.toBe(session);
  });
});

describe('conversation', () => {
  const first = { messages: [system, user('Name a fruit.')] };
  const later = { messages: [...first.messages, answer, user('And another.')] };

  test('all of its turns have one key, other openings another', () => {
    const key = keyOf(by('conversation'), first);
    expect(keyOf(by('conversation'), later)).toBe(key);
    expect(keyOf(by('conversation'), { messages: [user('Name a fruit.')] })).not.toBe(key);
    expect(keyOf(by('conversation'), { messages: [system, user('Name a city.')] })).not.toBe(key);
    const parts = { messages: [system, user([{ type: 'text', text: 'Name a fruit.' }])] };
    expect(keyOf(by('conversation'), parts)).not.toBe(key);
  });

  test.each<[string, JsonObject, JsonObject]>([
    [
      '/v1/messages',
      { system: 'Terse.', messages: [user('Hi')] },
      { system: 'Terse.', messages: [user('Hi'), answer, user('Go on')] },
    ],
    [
      '/v1/responses',
      { instructions: 'Terse.', input: [user('Hi')] },
      { instructions: 'Terse.', input: [user('Hi'), answer, user('Go on')] },
    ],
    ['/v1/completions', { prompt: 'a'.repeat(1024) }, { prompt: `${'a'.repeat(1024)} and on` }],
  ])('%s', (path, one, two) => {
    expect(keyOf(by('conversation'), two, { path })).toBe(keyOf(by('conversation'), one, { path }));
    expect(keyOf(by('conversation'), one, { path })).not.toBe(CLIENT);
  });

  test('what the client says its prompt cache goes by comes first', () => {
    const keyed = { ...first, prompt_cache_key: 'k' };
    const elsewhere = { messages: [user('Anything')], prompt_cache_key: 'k' };
    expect(keyOf(by('conversation'), keyed)).toBe(keyOf(by('conversation'), elsewhere));
  });

  test.each<[string, JsonObject]>([
    ['/v1/chat/completions', { messages: [system] }],
    ['/v1/embeddings', { input: 'x' }],
    ['/v1/audio/speech', { input: 'x' }],
    ['/v1/completions', { prompt: [1, 2, 3] }],
  ])('none at %s of %j: the address', (path, body) => {
    expect(keyOf(by('conversation'), body, { path })).toBe(CLIENT);
  });
});
