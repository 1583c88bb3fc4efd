import { type SimulatedBackend, startSimulatedBackend } from '@switchyard/simulated-backend';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { chatBody, RawClient } from '../test-support/raw-client.js';
import { TestRouter, type TestRouterOptions } from '../test-support/test-router.js';

const fast = { ttftMs: 0, tokensPerSecond: 0 };
const samples = 4;

interface Hedged extends AsyncDisposable {
  router: TestRouter;
  a: SimulatedBackend;
  b: SimulatedBackend;
}

/** Backends a and b in turn, of which enough answers have been seen; the next turn is a's. */
async function hedged(given: Partial<TestRouterOptions> = {}, warmUp = samples): Promise<Hedged> {
  const a = await startSimulatedBackend({ name: 'a', ...fast });
  const b = await startSimulatedBackend({ name: 'b', ...fast });
  const router = await TestRouter.start({
    backends: { a: a.url, b: b.url },
    // The median, so that one slow answer on a busy machine does not put hedges off.
    pool: `hedge: { percentile: 50, minMs: 50, minSamples: ${samples} }`,
    ...given,
  });
  for (let i = 0; i < warmUp; i++) await ask(router);
  a.clear();
  b.clear();
  return {
    router,
    a,
    b,
    async [Symbol.asyncDispose]() {
      await router[Symbol.asyncDispose]();
      await Promise.all([a.close(), b.close()]);
    },
  };
}

async function ask(router: TestRouter, extra: Record<string, unknown> = {}) {
  const response = await router.post('/v1/chat/completions', chatBody(extra));
  const text = await response.text();
  return {
    status: response.status,
    text,
    backend: response.headers.get('x-switchyard-backend'),
    attempts: Number(response.headers.get('x-switchyard-attempts')),
  };
}

const hedgesOf = (router: TestRouter) => router.registry.pool('all').hedges;

describe('a request without a first byte by the percentile of its pool', () => {
  test('is sent to a second backend, whose answer wins; the first one is aborted', async () => {
    await using the = await hedged();
    await the.a.set({ fault: 'hang' });
    const answer = await ask(the.router, { stream: true });
    expect(answer).toMatchObject({ status: 200, backend: 'b', attempts: 2 });
    expect(answer.text).toMatch(/data: \[DONE\]\n\n$/);
    await eventually(() => expect(the.a.stats()).toMatchObject({ hanging: 0, aborted: 1 }));
    await eventually(() => expect(the.router.inFlight).toBe(0));
    expect(hedgesOf(the.router)).toEqual({ sent: 1, won: 1 });
    // Being slow once is no failure.
    expect(the.router.registry.backends()[0]).toMatchObject({ failures: 0 });
    expect(the.router.records.at(-1)).toMatchObject({ attempts: 2, hedges: 1, backend: 'b' });
  });

  test('is aborted there at once, while the answer of the second goes on', async () => {
    await using the = await hedged();
    await the.a.set({ fault: 'hang' });
    await the.b.set({ tokensPerSecond: 10 });
    const body = chatBody({ stream: true, max_tokens: 30_000 });
    const client = new AbortController();
    const response = await the.router.post('/v1/chat/completions', body, { signal: client.signal });
    expect(response.headers.get('x-switchyard-backend')).toBe('b');
    await eventually(() => {
      expect(the.a.stats()).toMatchObject({ hanging: 0, aborted: 1 });
      expect(the.router.inFlight).toBe(1);
    });
    expect(the.b.stats()).toMatchObject({ inFlight: 1, completed: 0 });
    client.abort();
    await eventually(() => expect(the.router.inFlight).toBe(0));
  });

  test('may still be answered first by the first one; then the copy is aborted', async () => {
    await using the = await hedged();
    await the.b.set({ fault: 'hang' });
    await the.a.set({ ttftMs: 1500 });
    const answer = ask(the.router);
    await eventually(() => expect(the.b.stats().hanging).toBe(1));
    // Each copy holds a lease of its own.
    expect(the.router.inFlight).toBe(2);
    expect(await answer).toMatchObject({ status: 200, backend: 'a', attempts: 2 });
    await eventually(() => expect(the.b.stats()).toMatchObject({ hanging: 0, aborted: 1 }));
    await eventually(() => expect(the.router.inFlight).toBe(0));
    expect(hedgesOf(the.router)).toEqual({ sent: 1, won: 0 });
  });

  test('waits for the other when one of them fails', async () => {
    await using the = await hedged();
    await the.a.set({ ttftMs: 1500 });
    await the.b.set({ fault: 'error:500' });
    expect(await ask(the.router)).toMatchObject({ status: 200, backend: 'a', attempts: 2 });
    expect(the.router.registry.backends()[1]).toMatchObject({ failures: 1 });
    await eventually(() => expect(the.router.inFlight).toBe(0));
  });

  test('shows an error of a backend when both fail', async () => {
    await using the = await hedged({ yaml: 'timeouts: { readMs: 1500 }' });
    await the.a.set({ fault: 'hang' });
    await the.b.set({ fault: 'error:503' });
    expect(await ask(the.router)).toMatchObject({ status: 504, attempts: 2 });
    for (const backend of the.router.registry.backends()) expect(backend.failures).toBe(1);
    await eventually(() => expect(the.router.inFlight).toBe(0));
  });

  test('is aborted on both when its client leaves', async () => {
    await using the = await hedged();
    await the.a.set({ fault: 'hang' });
    await the.b.set({ fault: 'hang' });
    using client = await RawClient.connect(the.router.url);
    client.post('/v1/chat/completions', chatBody());
    await eventually(() => expect(the.b.stats().hanging).toBe(1));
    client.socket.destroy();
    await eventually(() => {
      expect(the.a.stats()).toMatchObject({ hanging: 0, aborted: 1 });
      expect(the.b.stats()).toMatchObject({ hanging: 0, aborted: 1 });
      expect(the.router.inFlight).toBe(0);
    });
    for (const backend of the.router.registry.backends()) expect(backend.failures).toBe(0);
  });
});

describe('no second copy', () => {
  /** Answers come after longer than the pool's percentile, and there is one request for each. */
  const single = async (the: Hedged, extra: Record<string, unknown> = {}) => {
    await the.a.set({ ttftMs: 400 });
    expect(await ask(the.router, extra)).toMatchObject({ status: 200, backend: 'a', attempts: 1 });
    expect(the.b.stats().requests).toBe(0);
    expect(hedgesOf(the.router).sent).toBe(0);
  };

  test('where the operator has not allowed it', async () => {
    await using the = await hedged({ pool: 'hedge: false' });
    await single(the);
  });

  test('before there were enough answers to know what is slow', async () => {
    await using the = await hedged({}, samples - 2);
    await single(the);
  });

  test('of a request that asks to be kept', async () => {
    await using the = await hedged();
    await single(the, { store: true });
  });

  test('beyond the retry budget', async () => {
    await using the = await hedged({ yaml: 'retries: { budget: 0, minPerSecond: 0 }' });
    await single(the);
    expect(the.router.registry.pool('all').retries).toMatchObject({ denied: 1 });
  });

  test('to a backend that is not well', async () => {
    await using the = await hedged();
    the.router.registry.backends()[1]?.health.unreachable();
    await single(the);
  });

  test('to a backend that is full', async () => {
    await using the = await hedged({ backend: 'capacity: 1' });
    await the.b.set({ fault: 'hang' });
    const pool = the.router.registry.pool('all');
    const inOrder = { kind: 'inOrder' } as const;
    const candidates = pool.backends.slice(1).map(({ candidate }) => candidate);
    const lease = await the.router.ledger.acquire('all', { candidates, rule: inOrder });
    await single(the);
    lease?.release();
  });
});

test('the percentile is of whole waits: hedges that win do not make the next ones come sooner', async () => {
  await using the = await hedged({ pool: `hedge: { percentile: 90, minSamples: ${samples} }` });
  const before = the.router.registry.pool('all').hedgeAfterMs;
  await the.a.set({ fault: 'hang' });
  for (let i = 0; i < 40; i++) await ask(the.router);
  const after = the.router.registry.pool('all').hedgeAfterMs ?? 0;
  expect(before).toBeGreaterThanOrEqual(50);
  expect(after).toBeGreaterThan(before ?? 0);
});
