import { startSimulatedBackend } from '@switchyard/simulated-backend';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { deferred } from '../test-support/deferred.js';
import { chatBody } from '../test-support/raw-client.js';
import { httpServer } from '../test-support/servers.js';
import { TestRouter, type TestRouterOptions } from '../test-support/test-router.js';

/** A backend that takes one request at a time and answers each when it is told to. */
async function slowBackend() {
  const held: { id: string; answer: () => void }[] = [];
  let atOnce = 0;
  let most = 0;
  const server = await httpServer((request, response) => {
    most = Math.max(most, ++atOnce);
    response.once('close', () => atOnce--);
    const id = String(request.headers['x-request-id']);
    held.push({ id, answer: () => response.end(id) });
  });
  return {
    url: server.url,
    held,
    most: () => most,
    /** Answers the next that came, once it has. */
    async answerNext() {
      await eventually(() => expect(held.length).toBeGreaterThan(0));
      const next = held.shift();
      next?.answer();
      return next?.id;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const routerFor = (url: string, queue: string, more: Partial<TestRouterOptions> = {}) =>
  TestRouter.start({
    backends: { a: url },
    backend: 'capacity: 1',
    pool: `queue: { ${queue} }`,
    ...more,
  });

const ask = (router: TestRouter, id: string, init: RequestInit = {}) =>
  router.post('/v1/chat/completions', chatBody(), { ...init, headers: { 'x-request-id': id } });

const waiting = (router: TestRouter, count: number) =>
  eventually(() => expect(router.ledger.waiting('all').here).toBe(count));

test('requests that find every backend full wait, oldest first', async () => {
  await using backend = await slowBackend();
  await using router = await routerFor(backend.url, 'size: 10');
  const asked = [ask(router, 'r0')];
  await eventually(() => expect(backend.held).toHaveLength(1));
  for (const [index, id] of ['r1', 'r2', 'r3'].entries()) {
    asked.push(ask(router, id));
    await waiting(router, index + 1);
  }
  const served = [];
  for (const _each of asked) served.push(await backend.answerNext());
  expect(served).toEqual(['r0', 'r1', 'r2', 'r3']);
  for (const response of await Promise.all(asked)) expect(response.status).toBe(200);
  expect(backend.most()).toBe(1);
  await eventually(() => expect(router.inFlight).toBe(0));
  const queued = router.records.map(({ queuedMs }) => queuedMs !== undefined);
  expect(queued).toEqual([false, true, true, true]);
});

test('a full queue is a 429 that says when to come again', async () => {
  await using backend = await slowBackend();
  await using router = await routerFor(backend.url, 'size: 1, timeoutMs: 20000');
  const first = ask(router, 'first');
  await eventually(() => expect(backend.held).toHaveLength(1));
  const second = ask(router, 'second');
  await waiting(router, 1);
  const refused = await ask(router, 'third');
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await refused.json()).toMatchObject({
    error: { code: 'queue_full', type: 'rate_limit_error', message: expect.stringContaining('1') },
  });
  await backend.answerNext();
  await backend.answerNext();
  expect((await first).status).toBe(200);
  expect((await second).status).toBe(200);
  expect(router.registry.pool('all').queue.refused).toEqual({ full: 1, late: 0 });
});

test('size 0: nobody waits', async () => {
  await using backend = await slowBackend();
  await using router = await routerFor(backend.url, 'size: 0');
  const first = ask(router, 'first');
  await eventually(() => expect(backend.held).toHaveLength(1));
  expect((await ask(router, 'second')).status).toBe(429);
  await backend.answerNext();
  await first;
});

test('who waited too long gets a 503 that says when to come again', async () => {
  await using backend = await slowBackend();
  await using router = await routerFor(backend.url, 'timeoutMs: 60');
  const first = ask(router, 'first');
  await eventually(() => expect(backend.held).toHaveLength(1));
  const late = await ask(router, 'late');
  expect(late.status).toBe(503);
  expect(Number(late.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(await late.json()).toMatchObject({
    error: { code: 'no_backend_available', message: expect.stringContaining('busy for 0.1 s') },
  });
  expect(router.ledger.waiting('all')).toEqual({ here: 0, cluster: 0 });
  await backend.answerNext();
  await first;
  expect(router.registry.pool('all').queue.refused).toEqual({ full: 0, late: 1 });
});

test('a client that leaves while it waits is dropped, and no backend sees its request', async () => {
  await using backend = await slowBackend();
  await using router = await routerFor(backend.url, 'size: 10');
  const first = ask(router, 'first');
  await eventually(() => expect(backend.held).toHaveLength(1));
  const leaving = new AbortController();
  const left = ask(router, 'left', { signal: leaving.signal }).catch(() => 'gone');
  await waiting(router, 1);
  const last = ask(router, 'last');
  await waiting(router, 2);
  leaving.abort();
  expect(await left).toBe('gone');
  await waiting(router, 1);
  expect(await backend.answerNext()).toBe('first');
  expect(await backend.answerNext()).toBe('last');
  expect([(await first).status, (await last).status]).toEqual([200, 200]);
  const gone = router.records.find(({ requestId }) => requestId === 'left');
  expect(gone).toMatchObject({ outcome: 'client gone', attempts: 0 });
});

test('two requests that failed do not wait for each other', async () => {
  const bothThere = deferred<void>();
  let first = 0;
  /** Fails the first request of each backend, once both are busy with one. */
  const failingOnce = () => {
    let requests = 0;
    return httpServer((_request, response) => {
      if (++requests > 1) {
        response.end('ok');
        return;
      }
      if (++first === 2) bothThere.resolve();
      void bothThere.promise.then(() => response.writeHead(500).end('no'));
    });
  };
  await using a = await failingOnce();
  await using b = await failingOnce();
  await using router = await routerFor(a.url, 'timeoutMs: 20000', {
    backends: { a: a.url, b: b.url },
  });
  const started = performance.now();
  const responses = await Promise.all([ask(router, 'one'), ask(router, 'two')]);
  expect(responses.map(({ status }) => status)).toEqual([200, 200]);
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(await Promise.all(responses.map((response) => response.text()))).toEqual(['ok', 'ok']);
  await eventually(() => expect(router.inFlight).toBe(0));
});

describe('who waits for a backend', () => {
  test('gets another one that comes back meanwhile', async () => {
    await using backend = await slowBackend();
    await using other = await startSimulatedBackend({ name: 'b', ttftMs: 0, tokensPerSecond: 0 });
    await using router = await routerFor(backend.url, 'size: 5', {
      backends: { a: backend.url, b: other.url },
    });
    router.registry.backends()[1]?.health.unreachable();
    const first = ask(router, 'first');
    await eventually(() => expect(backend.held).toHaveLength(1));
    const second = ask(router, 'second');
    await waiting(router, 1);
    router.registry.backends()[1]?.health.probeAnswered();
    expect((await second).headers.get('x-switchyard-backend')).toBe('b');
    await backend.answerNext();
    await first;
  });

  test('is not sent to one that is drained meanwhile', async () => {
    await using backend = await slowBackend();
    await using router = await routerFor(backend.url, 'size: 5, timeoutMs: 500');
    const first = ask(router, 'first');
    await eventually(() => expect(backend.held).toHaveLength(1));
    const second = ask(router, 'second');
    await waiting(router, 1);
    const [only] = router.registry.backends();
    if (only) only.admin = { state: 'draining' };
    await backend.answerNext();
    expect((await first).status).toBe(200);
    expect((await second).status).toBe(503);
    expect(backend.held).toHaveLength(0);
  });
});
