import { type FaultInput, startSimulatedBackend } from '@switchyard/simulated-backend';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import type { MemoryConnectionLedger } from '../connections/memory-connection-ledger.js';
import { deferred } from '../test-support/deferred.js';
import { chatBody, RawClient } from '../test-support/raw-client.js';
import { closedPort, httpServer, rawServer } from '../test-support/servers.js';
import { TestRouter } from '../test-support/test-router.js';

const fast = { ttftMs: 0, tokensPerSecond: 0 };
const anyPort = async () => `http://127.0.0.1:${await closedPort()}`;

describe('a first backend that fails before its first byte is followed by the next', () => {
  test.each<[FaultInput, { health: string; failures: number }]>([
    ['refuse', { health: 'dead', failures: 1 }],
    ['reset', { health: 'healthy', failures: 1 }],
    ['hang', { health: 'healthy', failures: 1 }],
    ['error:500', { health: 'healthy', failures: 1 }],
    ['error:502', { health: 'healthy', failures: 1 }],
    ['error:503', { health: 'healthy', failures: 1 }],
    ['error:429', { health: 'healthy', failures: 0 }],
    ['cut:0', { health: 'healthy', failures: 1 }],
  ])('%s', async (fault, { health, failures }) => {
    await using broken = await startSimulatedBackend({ name: 'a', ...fast, fault });
    await using well = await startSimulatedBackend({ name: 'b', ...fast });
    await using router = await TestRouter.start({
      backends: { a: broken.url, b: well.url },
      yaml: 'timeouts: { readMs: 150, connectMs: 150 }',
    });
    const response = await router.post('/v1/chat/completions', chatBody({ stream: true }));
    expect(response.status).toBe(200);
    expect(response.headers.get('x-switchyard-attempts')).toBe('2');
    expect(response.headers.get('x-switchyard-backend')).toBe('b');
    expect(await response.text()).toMatch(/data: \[DONE\]\n\n$/);
    await eventually(() => expect(router.inFlight).toBe(0));
    const [a, b] = router.registry.backends();
    expect({ health: a?.health.state, failures: a?.failures }).toEqual({ health, failures });
    expect(b).toMatchObject({ requests: 1, failures: 0 });
    expect(well.stats()).toMatchObject({ requests: 1, completed: 1 });
  });
});

test.each([400, 401, 404, 422, 501, 504])(
  'status %i is the answer, not a reason to go on',
  async (status) => {
    await using first = await startSimulatedBackend({
      name: 'a',
      fault: { type: 'error', status },
    });
    await using second = await startSimulatedBackend({ name: 'b', ...fast });
    await using router = await TestRouter.start({ backends: { a: first.url, b: second.url } });
    const response = await router.post('/v1/chat/completions', chatBody());
    expect(response.status).toBe(status);
    expect(response.headers.get('x-simulated-backend')).toBe('a');
    await response.text();
    expect(second.stats().requests).toBe(0);
    await eventually(() => expect(router.inFlight).toBe(0));
  },
);

describe('when all fail, the client sees the last', () => {
  test('status, headers and body of a backend as they are', async () => {
    const body = '{"error": {"message": "later", "odd":  1}}';
    await using first = await httpServer((_request, response) => response.writeHead(503).end('no'));
    await using last = await httpServer((_request, response) => {
      response.writeHead(429, { 'retry-after': '17', 'content-type': 'text/x' }).end(body);
    });
    await using router = await TestRouter.start({ backends: { a: first.url, b: last.url } });
    const response = await router.post('/v1/chat/completions', chatBody());
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('17');
    expect(response.headers.get('content-type')).toBe('text/x');
    expect(await response.text()).toBe(body);
    expect(router.records[0]).toMatchObject({ outcome: 'complete', attempts: 2, backend: 'b' });
  });

  test.each<[string, FaultInput, number, string]>([
    ['reset', 'reset', 502, 'backend_error'],
    ['cut', 'cut:0', 502, 'backend_error'],
    ['silence', 'hang', 504, 'backend_timeout'],
  ])('%s', async (_what, fault, status, code) => {
    await using backend = await startSimulatedBackend({ name: 'a', fault });
    await using router = await TestRouter.start({
      backends: { a: backend.url },
      yaml: 'timeouts: { readMs: 150 }',
    });
    const response = await router.post('/v1/chat/completions', chatBody({ stream: true }));
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code, type: 'server_error' } });
    expect(response.headers.get('x-switchyard-backend')).toBe('a');
    expect(router.inFlight).toBe(0);
  });

  test('nobody listens, then nobody is asked', async () => {
    await using router = await TestRouter.start({
      backends: { a: await anyPort(), b: await anyPort() },
    });
    const ask = async () => {
      const response = await router.post('/v1/chat/completions', chatBody());
      const { error } = (await response.json()) as { error: { code: string } };
      return [response.status, error.code, response.headers.get('x-switchyard-attempts')];
    };
    expect(await ask()).toEqual([502, 'backend_error', '2']);
    expect(await ask()).toEqual([503, 'no_backend_available', '0']);
  });
});

test('a full backend gets no request that it has no room for', async () => {
  const busy = deferred<() => void>();
  let requests = 0;
  await using only = await httpServer((_request, response) => {
    if (++requests === 1) busy.resolve(() => response.end('first'));
    else response.end('later');
  });
  await using router = await TestRouter.start({
    backends: { a: only.url },
    backend: 'capacity: 1',
    pool: 'queue: { timeoutMs: 50 }',
  });
  const first = router.post('/v1/chat/completions', chatBody());
  const finish = await busy.promise;
  const refused = await router.post('/v1/chat/completions', chatBody());
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(await refused.json()).toMatchObject({
    error: { code: 'no_backend_available', message: expect.stringContaining('busy') },
  });
  expect(requests).toBe(1);
  finish();
  expect(await (await first).text()).toBe('first');
  await eventually(() => expect(router.inFlight).toBe(0));
  expect(await (await router.post('/v1/chat/completions', chatBody())).text()).toBe('later');
});

test('an error that was put aside may break off without harm', async () => {
  const second = deferred<() => void>();
  const cutFirst = deferred<() => void>();
  await using first = await rawServer((socket) => {
    // The body is announced and does not come.
    socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\nno');
    cutFirst.resolve(() => socket.resetAndDestroy());
  });
  await using next = await httpServer((_request, response) =>
    second.resolve(() => response.end('ok')),
  );
  await using router = await TestRouter.start({ backends: { a: first.url, b: next.url } });
  const response = router.post('/v1/chat/completions', chatBody());
  const answer = await second.promise;
  (await cutFirst.promise)();
  // Its slot was given back when the next backend was there to try.
  expect(router.inFlight).toBe(1);
  await eventually(() => expect(first.sockets.size).toBe(0));
  answer();
  expect(await (await response).text()).toBe('ok');
  await eventually(() => expect(router.inFlight).toBe(0));
});

test('a backend whose streams keep breaking is ejected', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ...fast, fault: 'cut:2' });
  await using router = await TestRouter.start({
    backends: { a: backend.url },
    yaml: 'ejection: { failures: 3, baseMs: 3600000, maxMs: 3600000 }',
  });
  const [only] = router.registry.backends();
  for (const state of ['healthy', 'healthy', 'ejected']) {
    const response = await router.post('/v1/chat/completions', chatBody({ stream: true }));
    expect(await response.text()).toContain('backend_error');
    expect(only?.health.state).toBe(state);
  }
});

test('an answer that is whole ends the row of failures', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ...fast });
  await using router = await TestRouter.start({
    backends: { a: backend.url },
    yaml: 'ejection: { failures: 2, baseMs: 3600000, maxMs: 3600000 }',
  });
  for (const fault of ['error:500', 'none', 'error:500', 'none'] as const) {
    await backend.set({ fault });
    await (await router.post('/v1/chat/completions', chatBody())).text();
  }
  await eventually(() => expect(router.records).toHaveLength(4));
  expect(router.registry.backends()[0]?.health.state).toBe('healthy');
  expect(router.registry.backends()[0]).toMatchObject({ requests: 4, failures: 2 });
});

test('a ledger that breaks in the middle leaves no slot taken', async () => {
  await using first = await startSimulatedBackend({ name: 'a', fault: 'error:503' });
  await using second = await startSimulatedBackend({ name: 'b' });
  await using router = await TestRouter.start({ backends: { a: first.url, b: second.url } });
  const acquire = router.ledger.acquire.bind(router.ledger);
  let calls = 0;
  router.ledger.acquire = (...args: Parameters<MemoryConnectionLedger['acquire']>) =>
    ++calls === 2 ? Promise.reject(new Error('no ledger')) : acquire(...args);
  const response = await router.post('/v1/chat/completions', chatBody());
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('no ledger');
  expect(router.inFlight).toBe(0);
});

test('requests on one connection are answered in turn, each with its own headers', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ...fast });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  for (const id of ['one', 'two', 'three'])
    client.post('/v1/chat/completions', chatBody(), `X-Request-Id: ${id}`);
  await eventually(() => expect(client.text.match(/HTTP\/1\.1 200/g)).toHaveLength(3));
  expect(client.text.match(/x-request-id: \w+/g)?.map((line) => line.slice(14))).toEqual([
    'one',
    'two',
    'three',
  ]);
  expect(
    backend
      .requests()
      .map(({ headers }) => headers['x-request-id'])
      .sort(),
  ).toEqual(['one', 'three', 'two']);
});

test('501 is about the request: it passes through and takes nobody out', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ...fast, fault: 'error:501' });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  for (let i = 0; i < 5; i++)
    expect((await router.post('/v1/chat/completions', chatBody())).status).toBe(501);
  const [a] = router.registry.backends();
  expect(a).toMatchObject({ failures: 0, health: { state: 'healthy' } });
});

test('a backend that loses its probes is still tried when there is no other', async () => {
  await using backend = await startSimulatedBackend({ name: 'a', ...fast });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  const [a] = router.registry.backends();
  for (let i = 0; i < 2; i++) a?.health.probeLost(false);
  expect(a?.health.state).toBe('silent');
  expect((await router.post('/v1/chat/completions', chatBody())).status).toBe(200);
  await eventually(() => expect(a?.health.state).toBe('healthy'));
});
