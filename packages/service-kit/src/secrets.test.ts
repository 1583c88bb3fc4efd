import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { bearerToken, Secret } from './secrets.js';

const request = (authorization?: string) => ({ headers: { authorization } }) as IncomingMessage;

test.each([
  ['Bearer token', 'token'],
  ['bearer token', 'token'],
  ['BEARER   token  ', 'token'],
  ['Bearer a=b:c/+~', 'a=b:c/+~'],
  ['Bearer two words', undefined],
  ['Bearer ', undefined],
  ['Basic token', undefined],
  ['token', undefined],
  ['', undefined],
  [undefined, undefined],
])('%j carries %j', (header, token) => {
  expect(bearerToken(request(header))).toBe(token);
});

test('a secret matches only itself, whatever the length of the other', () => {
  const secret = new Secret('correct horse');
  expect(secret.matches('correct horse')).toBe(true);
  for (const other of [
    '',
    'correct',
    'correct hors',
    'correct horsf',
    'correct horse ',
    'x'.repeat(1e5),
  ])
    expect(secret.matches(other)).toBe(false);
});
