import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger, createRegistry } from '@switchyard/service-kit';
import { expect, test } from 'vitest';
import { call } from '../../../test/support/classifier-client.js';
import { createApp } from './app.js';

test('a server that stops does not say that it is loading', async () => {
  const closing = new AbortController();
  const app = createApp({
    engine: () => undefined,
    starting: () => 'the model or the index is still loading',
    reembedding: () => undefined,
    adminToken: undefined,
    closing: closing.signal,
    logger: createLogger('test', 'silent'),
    registry: createRegistry(),
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const service = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  const reasons = async () => {
    const ready = await call(service, 'GET', '/ready');
    const refused = await call(service, 'POST', '/v1/classify', { text: 'hi' });
    expect([ready.status, refused.status]).toEqual([503, 503]);
    expect(refused.body.error.code).toBe('not_ready');
    return [ready.body.reason, refused.body.error.message];
  };
  const loading = 'the model or the index is still loading';
  expect(await reasons()).toEqual([loading, loading]);
  closing.abort();
  expect(await reasons()).toEqual(['the server is stopping', 'the server is stopping']);
  server.closeAllConnections();
  server.close();
});
