import { once } from 'node:events';
import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { ClassifierUnavailable } from '../routing/classifier-client.js';
import { deferred } from '../test-support/deferred.js';
import { chatBody, RawClient } from '../test-support/raw-client.js';
import { httpServer } from '../test-support/servers.js';
import { TestRouter } from '../test-support/test-router.js';

const goneAndNothingHeld = (router: TestRouter) =>
  eventually(() => {
    expect(router.records.map(({ outcome }) => outcome)).toEqual(['client gone']);
    expect(router.records[0]?.status).toBe(499);
    expect(router.inFlight).toBe(0);
  });

test('a client that leaves before the backend answers cancels the call', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', fault: 'hang' });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  client.post('/v1/chat/completions', chatBody());
  await eventually(() => expect(backend.stats().hanging).toBe(1));
  expect(router.inFlight).toBe(1);
  client.socket.destroy();
  await goneAndNothingHeld(router);
  await eventually(() => expect(backend.stats()).toMatchObject({ hanging: 0, aborted: 1 }));
  // Leaving says nothing about the backend.
  expect(router.registry.backends()[0]).toMatchObject({ failures: 0 });
});

test('a client that leaves in the middle of a stream cancels the call', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ttftMs: 0, tokensPerSecond: 20 });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  client.post('/v1/chat/completions', chatBody({ stream: true, max_tokens: 10_000 }));
  await eventually(() => expect(client.text.match(/data: /g)?.length).toBeGreaterThan(2));
  client.socket.resetAndDestroy();
  await eventually(() => expect(router.records).toHaveLength(1));
  expect(router.records[0]).toMatchObject({ outcome: 'client gone', status: 200 });
  expect(router.inFlight).toBe(0);
  await eventually(() => expect(backend.stats()).toMatchObject({ inFlight: 0, aborted: 1 }));
});

test('a client that leaves while it sends its body starts nothing', async () => {
  await using backend = await startSimulatedBackend({ name: 'a' });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  client.send('POST /v1/chat/completions HTTP/1.1', 'Host: r', 'Content-Length: 1000', '', '{"mes');
  await eventually(() => expect(router.connections).toBe(1));
  client.socket.destroy();
  await goneAndNothingHeld(router);
  expect(backend.stats().requests).toBe(0);
});

test('a client that leaves while its prompt is classified starts nothing', async () => {
  await using backend = await startSimulatedBackend({ name: 'a' });
  const asked = deferred<void>();
  const answer = deferred<never>();
  const intents = {
    classify: () => {
      asked.resolve();
      return answer.promise;
    },
  };

  await using router = await TestRouter.start({ backends: { a: backend.url }, intents });
  using client = await RawClient.connect(router.url);
  client.post('/v1/chat/completions', chatBody({ model: 'auto' }));
  await asked.promise;
  client.socket.destroy();
  await eventually(() => expect(router.connections).toBe(0));
  answer.reject(new ClassifierUnavailable('is late'));
  await goneAndNothingHeld(router);
  expect(backend.stats().requests).toBe(0);
});

test('a client that leaves between two attempts is not tried for again', async () => {
  const arrived = deferred<() => void>();
  await using slow = await httpServer((_request, response) =>
    arrived.resolve(() => response.writeHead(503).end()),
  );
  await using next = await startSimulatedBackend({ name: 'b' });
  await using router = await TestRouter.start({ backends: { a: slow.url, b: next.url } });
  using client = await RawClient.connect(router.url);
  client.post('/v1/chat/completions', chatBody());
  const refuse = await arrived.promise;
  client.socket.destroy();
  await eventually(() => expect(router.connections).toBe(0));
  refuse();
  await goneAndNothingHeld(router);
  expect(next.stats().requests).toBe(0);
});

test('a client that sends two requests at once and leaves holds nothing', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', fault: 'hang' });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  client.post('/v1/chat/completions', chatBody());
  client.post('/v1/chat/completions', chatBody());
  await eventually(() => expect(backend.stats().hanging).toBe(2));
  client.socket.destroy();
  await eventually(() => {
    expect(router.records.map(({ outcome }) => outcome)).toEqual(['client gone', 'client gone']);
    expect(router.inFlight).toBe(0);
  });
  await eventually(() => expect(backend.stats().hanging).toBe(0));
});

test('a half-closed connection still gets its answer', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ttftMs: 0, tokensPerSecond: 0 });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  client.post('/v1/chat/completions', chatBody());
  await eventually(() => expect(client.text).toContain('"usage"'));
  client.socket.end();
  await once(client.socket, 'close');
  await eventually(() => expect(router.inFlight).toBe(0));
});
