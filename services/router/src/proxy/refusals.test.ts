import { once } from 'node:events';
import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { chatBody, RawClient } from '../test-support/raw-client.js';
import { closedPort } from '../test-support/servers.js';
import { TestRouter } from '../test-support/test-router.js';

const megabyte = Buffer.alloc(1024 * 1024, 'x');

/** Reads nothing until all is sent, as many clients do. */
async function upload(client: RawClient, megabytes: number): Promise<void> {
  client.socket.pause();
  for (let sent = 0; sent < megabytes && !client.socket.destroyed; sent++)
    if (!client.socket.write(megabyte))
      await Promise.race([once(client.socket, 'drain'), client.closed]);
  client.socket.resume();
}

describe('an answer given before the body was read reaches a client that is still sending it', () => {
  test.each([
    ['a length that is too large', 'Content-Length: 41943040', '413', 'request_too_large', {}],
    [
      'a wrong key',
      'Content-Length: 41943040',
      '401',
      'invalid_api_key',
      {
        apiKeys: new Map([['me', 'correct-key']]),
      },
    ],
  ])('%s', async (_what, length, status, code, options) => {
    const dead = `http://127.0.0.1:${await closedPort()}`;
    await using router = await TestRouter.start({
      backends: { a: dead },
      maxBodyBytes: 1024 * 1024,
      ...options,
    });
    using client = await RawClient.connect(router.url);
    client.send('POST /v1/chat/completions HTTP/1.1', 'Host: r', length, '', '');
    await upload(client, 40);
    await client.closed;
    expect(client.error).toBeUndefined();
    expect(client.text).toContain(`HTTP/1.1 ${status}`);
    expect(client.text.toLowerCase()).toContain('connection: close');
    expect(client.text).toContain(code);
  });

  test('a chunked body that grows too large', async () => {
    await using backend = await startSimulatedBackend({ name: 'a' });
    await using router = await TestRouter.start({
      backends: { a: backend.url },
      maxBodyBytes: 1024 * 1024,
    });
    using client = await RawClient.connect(router.url);
    client.send('POST /v1/files HTTP/1.1', 'Host: r', 'Transfer-Encoding: chunked', '', '');
    // One chunk of 40 MiB.
    client.send('2800000', '');
    await upload(client, 40);
    client.send('', '0', '', '');
    await client.closed;
    expect(client.error).toBeUndefined();
    expect(client.text).toContain('HTTP/1.1 413');
    expect(client.text).toContain('larger than 1048576 bytes');
    expect(backend.stats().requests).toBe(0);
  });

  test('one who never sends the rest is not waited for', async () => {
    await using router = await TestRouter.start({ backends: { a: 'http://127.0.0.1:9' } });
    using client = await RawClient.connect(router.url);
    client.send('POST /v1/files HTTP/1.1', 'Host: r', 'Content-Length: 99999999', '', 'x');
    await eventually(() => expect(client.text).toContain('request_too_large'));
    await client.closed;
    expect(client.error).toBeUndefined();
  });
});

test('bodies that wait to be complete take up no more than is allowed, and small ones pass', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ttftMs: 0, tokensPerSecond: 0 });
  await using router = await TestRouter.start({
    backends: { a: backend.url },
    maxBufferedBytes: 300_000,
  });
  {
    using slow = await RawClient.connect(router.url);
    slow.send('POST /v1/files HTTP/1.1', 'Host: r', 'Content-Length: 250000', '', 'x');
    const large = chatBody({ user: 'x'.repeat(100_000) });
    let refused: Response | undefined;
    await eventually(async () => {
      refused = await router.post('/v1/chat/completions', large);
      expect(refused.status).toBe(503);
    });
    expect(refused?.headers.get('retry-after')).toBe('1');
    expect(await refused?.json()).toMatchObject({ error: { code: 'overloaded' } });
    expect((await router.post('/v1/chat/completions', chatBody())).status).toBe(200);
  }
  // The slow one is gone, and what it took is there again.
  await eventually(async () => {
    const large = chatBody({ user: 'x'.repeat(100_000) });
    expect((await router.post('/v1/chat/completions', large)).status).toBe(200);
  });
});

test('a body of exactly the limit is taken', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ttftMs: 0, tokensPerSecond: 0 });
  await using router = await TestRouter.start({ backends: { a: backend.url }, maxBodyBytes: 2000 });
  const padded = (bytes: number) => {
    const body = chatBody({ user: '' });
    return chatBody({ user: 'x'.repeat(bytes - JSON.stringify(body).length) });
  };
  expect((await router.post('/v1/chat/completions', padded(2000))).status).toBe(200);
  expect((await router.post('/v1/chat/completions', padded(2001))).status).toBe(413);
});

test.each([
  ['{"messages":', 400, 'invalid_json', null],
  ['', 400, 'invalid_json', null],
  ['\ufeff{}', 400, 'invalid_json', null],
  ['[]', 400, 'invalid_request', null],
  ['null', 400, 'invalid_request', null],
  ['"text"', 400, 'invalid_request', null],
  ['{}', 400, 'invalid_request', 'messages'],
  ['{"messages":[],"model":"pool:all"}', 400, 'invalid_request', 'messages'],
  ['{"messages":[{}],"model":7}', 400, 'invalid_request', 'model'],
  ['{"messages":[{}],"model":"nope"}', 404, 'model_not_found', 'model'],
  ['{"messages":[{}],"model":""}', 404, 'model_not_found', 'model'],
  ['{"messages":[{}],"model":"pool:nope"}', 404, 'model_not_found', 'model'],
  ['{"messages":[{}],"model":"pool:constructor"}', 404, 'model_not_found', 'model'],
  ['{"messages":[{}],"model":"__proto__"}', 404, 'model_not_found', 'model'],
])('the body %s: %i %s', async (body, status, code, param) => {
  await using router = await TestRouter.start({ backends: { a: 'http://127.0.0.1:9' } });
  const response = await fetch(`${router.url}/v1/chat/completions`, { method: 'POST', body });
  expect(response.status).toBe(status);
  expect(await response.json()).toMatchObject({ error: { code, param } });
  expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test.each<[string, string, number, string, ...string[]]>([
  ['POST', '/v1/../admin', 400, 'invalid_request'],
  ['POST', '/v1/./files', 400, 'invalid_request'],
  ['POST', '/v1/%2e%2e/admin', 400, 'invalid_request'],
  ['GET', '/v1/chat/completions', 405, 'method_not_allowed'],
  ['OPTIONS', '/v1/embeddings', 405, 'method_not_allowed'],
])('%s %s: %i %s', async (method, path, status, code, ...headers) => {
  await using router = await TestRouter.start({ backends: { a: 'http://127.0.0.1:9' } });
  using client = await RawClient.connect(router.url);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: r',
    ...headers,
    'Content-Length: 2',
    '',
    '{}',
  ];
  client.send(...lines);
  await eventually(() => expect(client.text).toContain(`"code":"${code}"`));
  expect(client.text).toContain(`HTTP/1.1 ${status}`);
});

test('arrays nested a hundred thousand deep are refused or passed on, not died of', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ttftMs: 0, tokensPerSecond: 0 });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  const body = `{"model":"pool:all","prompt":${deep}}`;
  const response = await fetch(`${router.url}/v1/completions`, { method: 'POST', body });
  expect(response.headers.get('x-switchyard-backend')).toBe('a');
  expect(router.inFlight).toBe(0);
});
