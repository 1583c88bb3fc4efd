import type { IncomingMessage } from 'node:http';
import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { describe, expect, test } from 'vitest';
import { ClientKeys } from './authentication.js';
import { chatBody } from './test-support/raw-client.js';
import { TestRouter } from './test-support/test-router.js';

const keys = new Map([
  ['me', 'key-of-me'],
  ['you', 'key-of-you'],
]);
const asks = (authorization: string | undefined) =>
  ({ headers: { authorization } }) as unknown as IncomingMessage;

describe('with keys', () => {
  const clients = new ClientKeys(keys, 'admin-token');

  test.each([
    ['Bearer key-of-me', 'me'],
    ['bearer  key-of-you ', 'you'],
    ['Bearer admin-token', 'admin'],
  ])('"%s" is %s', (authorization, client) => {
    expect(clients.authenticate(asks(authorization))).toBe(client);
  });

  test.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'key-of-me',
    'Basic key-of-me',
    'Bearer key-of-m',
    'Bearer key-of-me2',
    'Bearer key-of-me key-of-you',
    'Bearer me',
    'Bearer undefined',
  ])('"%s" is refused', (authorization) => {
    expect(() => clients.authenticate(asks(authorization))).toThrow(
      expect.objectContaining({ status: 401, code: 'invalid_api_key' }),
    );
  });
});

test('without an admin token, "undefined" is no key', () => {
  expect(() => new ClientKeys(keys, undefined).authenticate(asks('Bearer undefined'))).toThrow();
});

test('without keys everybody may, whatever they send', () => {
  const clients = new ClientKeys(undefined, 'admin-token');
  expect(clients.authenticate(asks(undefined))).toBeUndefined();
  expect(clients.authenticate(asks('Bearer anything'))).toBeUndefined();
});

test('every path of clients asks for the key, however it is written; health and metrics do not', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ttftMs: 0, tokensPerSecond: 0 });
  await using router = await TestRouter.start({ backends: { a: backend.url }, apiKeys: keys });
  const status = async (path: string, key?: string) => {
    const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
    const method = /models|status|health|ready|metrics/i.test(path) ? 'GET' : 'POST';
    const body = method === 'POST' ? JSON.stringify(chatBody()) : null;
    return (await fetch(router.url + path, { method, headers, body })).status;
  };
  const closed = [
    '/v1/chat/completions',
    '/v1/files',
    '/v1/models',
    '/V1/Models',
    '/v1/models/auto',
    '/v1/models/',
    '/route',
    '/ROUTE',
    '/status',
    '/status/',
  ];
  for (const path of closed) {
    expect(await status(path), path).toBe(401);
    expect(await status(path, 'wrong-key'), path).toBe(401);
    expect(await status(path, 'key-of-me'), path).toBe(200);
  }
  for (const path of ['/health', '/ready', '/metrics']) expect(await status(path)).toBe(200);
  for (const { headers } of backend.requests()) expect(headers).not.toHaveProperty('authorization');
});
