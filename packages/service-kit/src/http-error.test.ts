import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { fieldPath, HttpError, parseRequest } from './http-error.js';

const Schema = z.strictObject({
  name: z.string({ error: 'must be a string' }),
  items: z.array(z.strictObject({ n: z.int({ error: 'must be a whole number' }) })).optional(),
});
const errorOf = (input: unknown) => {
  try {
    parseRequest(Schema, input);
  } catch (error) {
    if (error instanceof HttpError) return error.body.error;
  }
  throw new Error('nothing was wrong with it');
};

test.each([
  [{ name: 5 }, 'name', 'name: must be a string'],
  [{}, 'name', 'name: must be a string'],
  [
    { name: 'a', items: [{ n: 1 }, { n: 'x' }] },
    'items[1].n',
    'items[1].n: must be a whole number',
  ],
  [{ name: 'a', nmae: 'b' }, 'nmae', 'nmae: is not a known field'],
  [{ name: 'a', items: [{ n: 1, m: 2 }] }, 'items[0].m', 'items[0].m: is not a known field'],
  [[], null, 'request body: must be a JSON object'],
  ['text', null, 'request body: must be a JSON object'],
  [null, null, 'request body: must be a JSON object'],
  [undefined, null, 'request body: must be a JSON object'],
])('%j', (input, param, message) => {
  expect(errorOf(input)).toEqual({
    message,
    type: 'invalid_request_error',
    code: 'invalid_request',
    param,
  });
});

test('what is right is handed over', () => {
  expect(parseRequest(Schema, { name: 'a' })).toEqual({ name: 'a' });
});

describe('OpenAI clients tell errors by type', () => {
  test.each([
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [403, 'permission_error'],
    [404, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'server_error'],
    [507, 'server_error'],
  ])('%d is %s', (status, type) => {
    expect(new HttpError(status, 'code', 'message').body.error.type).toBe(type);
  });
});

test('a path is written as people write it', () => {
  expect(fieldPath(['pools', 'code', 'backends', 0, 'url'])).toBe('pools.code.backends[0].url');
  expect(fieldPath([])).toBe('');
});
