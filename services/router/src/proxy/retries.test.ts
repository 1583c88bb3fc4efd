import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { describe, expect, test } from 'vitest';
import { chatBody } from '../test-support/raw-client.js';
import { closedPort, rawServer } from '../test-support/servers.js';
import { TestRouter } from '../test-support/test-router.js';

const fast = { ttftMs: 0, tokensPerSecond: 0 };
const noRetries = 'retries: { budget: 0, minPerSecond: 0 }';
const ask = async (router: TestRouter) => {
  const response = await router.post('/v1/chat/completions', chatBody());
  await response.text();
  return {
    status: response.status,
    attempts: Number(response.headers.get('x-switchyard-attempts')),
    backend: response.headers.get('x-switchyard-backend'),
  };
};

describe('the retry budget', () => {
  test('spent: the error of the backend is the answer, and that is counted', async () => {
    await using broken = await startSimulatedBackend({ name: 'a', ...fast, fault: 'error:500' });
    await using well = await startSimulatedBackend({ name: 'b', ...fast });
    await using router = await TestRouter.start({
      backends: { a: broken.url, b: well.url },
      yaml: noRetries,
    });
    expect(await ask(router)).toEqual({ status: 500, attempts: 1, backend: 'a' });
    expect(router.registry.pool('all').retries).toMatchObject({ taken: 0, denied: 1, left: 0 });
    expect(router.inFlight).toBe(0);
  });

  test('is not touched where nothing else could be tried', async () => {
    await using broken = await startSimulatedBackend({ name: 'a', ...fast, fault: 'error:500' });
    await using router = await TestRouter.start({ backends: { a: broken.url }, yaml: noRetries });
    expect(await ask(router)).toMatchObject({ status: 500, attempts: 1 });
    expect(router.registry.pool('all').retries).toMatchObject({ taken: 0, denied: 0 });
  });

  test('costs nothing when no connection came about', async () => {
    await using well = await startSimulatedBackend({ name: 'b', ...fast });
    await using router = await TestRouter.start({
      backends: { a: `http://127.0.0.1:${await closedPort()}`, b: well.url },
      yaml: noRetries,
    });
    expect(await ask(router)).toEqual({ status: 200, attempts: 2, backend: 'b' });
    expect(router.registry.pool('all').retries).toMatchObject({ taken: 0, denied: 0 });
  });

  test('keeps a pool in trouble from getting a multiple of its traffic', async () => {
    await using a = await startSimulatedBackend({ name: 'a', ...fast, fault: 'error:500' });
    await using b = await startSimulatedBackend({ name: 'b', ...fast, fault: 'error:500' });
    await using c = await startSimulatedBackend({ name: 'c', ...fast, fault: 'error:500' });
    await using router = await TestRouter.start({
      backends: { a: a.url, b: b.url, c: c.url },
      yaml: 'retries: { budget: 0.2, minPerSecond: 0, windowMs: 3600000 }',
    });
    const requests = 100;
    for (let i = 0; i < requests; i++) expect((await ask(router)).status).toBe(500);
    const seen = [a, b, c].reduce((sum, backend) => sum + backend.stats().requests, 0);
    expect(seen).toBe(requests * 1.2);
    expect(router.inFlight).toBe(0);
  });
});

describe('a connection that breaks before any byte', () => {
  /** Answers the first request on each connection and resets the second. */
  const closing = () => {
    const seen = new WeakSet();
    return rawServer((socket) => {
      if (seen.has(socket)) {
        socket.resetAndDestroy();
        return;
      }
      seen.add(socket);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  };

  test('had been kept alive: the request was not seen, and is sent again on a new one', async () => {
    await using backend = await closing();
    await using router = await TestRouter.start({ backends: { a: backend.url }, yaml: noRetries });
    expect(await ask(router)).toMatchObject({ status: 200, attempts: 1 });
    expect(await ask(router)).toMatchObject({ status: 200, attempts: 2, backend: 'a' });
    expect(router.registry.backends()[0]).toMatchObject({ failures: 0 });
    expect(router.registry.pool('all').retries).toMatchObject({ taken: 0, denied: 0 });
    expect(router.inFlight).toBe(0);
  });

  test('had been kept alive: another backend comes first', async () => {
    await using backend = await closing();
    await using well = await startSimulatedBackend({ name: 'b', ...fast });
    await using router = await TestRouter.start({
      backends: { a: backend.url, b: well.url },
      pool: 'policy: ip-hash',
    });
    const [first] = router.registry.backends();
    const other = router.registry.backends()[1];
    // Only "a" at first, so that it is the one with a kept-alive connection.
    if (other) other.admin = { state: 'disabled' };
    expect(await ask(router)).toMatchObject({ backend: 'a' });
    if (other) other.admin = {};
    if (first) first.admin = { weight: 1000 };
    expect(await ask(router)).toEqual({ status: 200, attempts: 2, backend: 'b' });
  });

  test('had been kept alive, and the answer did not come in time: it was seen', async () => {
    await using backend = await startSimulatedBackend({ name: 'a', ...fast });
    await using router = await TestRouter.start({
      backends: { a: backend.url },
      yaml: 'timeouts: { readMs: 300 }',
    });
    expect(await ask(router)).toMatchObject({ status: 200 });
    await backend.set({ fault: 'hang' });
    expect(await ask(router)).toMatchObject({ status: 504, attempts: 1 });
    expect(router.registry.backends()[0]).toMatchObject({ failures: 1 });
  });

  test('was new: the request may have been seen, and is not sent again', async () => {
    await using backend = await rawServer((socket) => socket.resetAndDestroy());
    await using router = await TestRouter.start({ backends: { a: backend.url } });
    expect(await ask(router)).toMatchObject({ status: 502, attempts: 1 });
    expect(router.registry.backends()[0]).toMatchObject({ failures: 1 });
  });

  test('had been kept alive, but part of the answer came: it was seen', async () => {
    let requests = 0;
    await using backend = await rawServer((socket) => {
      if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else socket.write('HTTP/1.1 200 OK\r\n', () => socket.destroy());
    });
    await using router = await TestRouter.start({ backends: { a: backend.url } });
    expect(await ask(router)).toMatchObject({ status: 200 });
    expect(await ask(router)).toMatchObject({ status: 502, attempts: 1 });
    expect(requests).toBe(2);
  });
});

describe('a backend that asks to be left alone', () => {
  const busy = (status: number, retryAfter = 60) => ({
    fault: { type: 'error' as const, status, retryAfter, times: 1 },
  });

  test.each([429, 503])('by %i with Retry-After is, while there is another', async (status) => {
    await using a = await startSimulatedBackend({ name: 'a', ...fast, ...busy(status) });
    await using b = await startSimulatedBackend({ name: 'b', ...fast });
    await using router = await TestRouter.start({ backends: { a: a.url, b: b.url } });
    const served: (string | null)[] = [];
    for (let i = 0; i < 6; i++) served.push((await ask(router)).backend);
    expect(served).toEqual(['b', 'b', 'b', 'b', 'b', 'b']);
    expect(a.stats().requests).toBe(1);
    expect(router.registry.backends()[0]?.health.state).toBe('deferred');
  });

  test('is asked all the same when nobody else is left', async () => {
    await using a = await startSimulatedBackend({ name: 'a', ...fast, ...busy(429) });
    await using router = await TestRouter.start({ backends: { a: a.url } });
    expect((await ask(router)).status).toBe(429);
    expect((await ask(router)).status).toBe(200);
  });

  test('comes before one that fails', async () => {
    await using a = await startSimulatedBackend({ name: 'a', ...fast, ...busy(429) });
    await using b = await startSimulatedBackend({ name: 'b', ...fast, fault: 'error:500' });
    await using router = await TestRouter.start({
      backends: { a: a.url, b: b.url },
      yaml: 'ejection: { failures: 1, baseMs: 3600000, maxMs: 3600000 }',
    });
    expect((await ask(router)).status).toBe(500);
    expect(await ask(router)).toEqual({ status: 200, attempts: 1, backend: 'a' });
  });

  test('for too long is left alone as long as the limit says', async () => {
    await using a = await startSimulatedBackend({ name: 'a', ...fast, ...busy(429, 3600) });
    await using b = await startSimulatedBackend({ name: 'b', ...fast });
    await using router = await TestRouter.start({
      backends: { a: a.url, b: b.url },
      yaml: 'retryAfter: { maxMs: 0 }',
    });
    expect((await ask(router)).backend).toBe('b');
    expect([await ask(router), await ask(router)].map(({ backend }) => backend).sort()).toEqual([
      'a',
      'b',
    ]);
  });
});
