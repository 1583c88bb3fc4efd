import { describe, expect, it, vi } from 'vitest';
import { type SimulatedBackend, startSimulatedBackend } from './simulated-backend.js';
import { patience } from './test-support.js';

/** An answer that does not end by itself within a test. */
const endless = { slots: 1, ttftMs: 0, tokensPerSecond: 1, tokens: 3600 };

function ask(backend: SimulatedBackend, content: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${backend.url}/v1/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ stream: true, messages: [{ role: 'user', content }] }),
    ...(signal ? { signal } : {}),
  });
}

function until(backend: SimulatedBackend, stats: object): Promise<void> {
  return vi.waitFor(() => expect(backend.stats()).toMatchObject(stats), patience);
}

describe('slots', () => {
  it('lets no more in than there are and serves the rest in order', async () => {
    await using backend = await startSimulatedBackend({ ...endless });
    const holder = new AbortController();
    await ask(backend, 'holder', holder.signal);
    const order: string[] = [];
    const asked: Promise<void>[] = [];
    await backend.set({ tokensPerSecond: 1000, tokens: 3 });
    for (const name of ['a', 'b', 'c', 'd']) {
      const answered = ask(backend, name).then(async (response) => {
        order.push(name);
        await response.text();
      });
      asked.push(answered);
      await until(backend, { queued: asked.length });
    }
    expect(backend.stats()).toMatchObject({ inFlight: 1, queued: 4 });
    holder.abort();
    await Promise.all(asked);
    expect(order).toEqual(['a', 'b', 'c', 'd']);
    expect(backend.stats()).toMatchObject({
      requests: 5,
      completed: 4,
      aborted: 1,
      inFlight: 0,
      maxInFlight: 1,
      queued: 0,
      maxQueued: 4,
    });
  });

  it('drops a waiter whose client leaves', async () => {
    await using backend = await startSimulatedBackend({ ...endless });
    const [holder, waiter] = [new AbortController(), new AbortController()];
    await ask(backend, 'holder', holder.signal);
    const left = ask(backend, 'waiter', waiter.signal);
    await until(backend, { queued: 1 });
    waiter.abort();
    await expect(left).rejects.toThrow();
    await until(backend, { inFlight: 1, queued: 0, aborted: 1 });
    holder.abort();
    await until(backend, { inFlight: 0, queued: 0, aborted: 2 });
    expect(backend.requests().map(({ outcome }) => outcome)).toEqual(['aborted', 'aborted']);
  });

  it('follows a change of their number', async () => {
    await using backend = await startSimulatedBackend({ ...endless });
    const clients = new AbortController();
    const asked = ['a', 'b', 'c'].map((name) => ask(backend, name, clients.signal));
    await until(backend, { inFlight: 1, queued: 2 });
    await backend.set({ slots: 2 });
    expect(backend.stats()).toMatchObject({ inFlight: 2, queued: 1, maxInFlight: 2 });
    clients.abort();
    await Promise.allSettled(asked);
    await until(backend, { inFlight: 0, queued: 0, aborted: 3 });
  });

  it('are all given back under a storm of leaving clients', async () => {
    await using backend = await startSimulatedBackend({ slots: 3, ttftMs: 1, tokens: 200 });
    await backend.set({ tokensPerSecond: 0 });
    await Promise.allSettled(
      Array.from({ length: 120 }, async (_, at) => {
        const response = await ask(backend, 'x', AbortSignal.timeout(1 + (at % 40)));
        await response.text();
      }),
    );
    await until(backend, { inFlight: 0, queued: 0 });
    const { requests, completed, aborted, maxInFlight } = backend.stats();
    expect(completed + aborted).toBe(requests);
    expect(maxInFlight).toBeLessThanOrEqual(3);
    expect((await ask(backend, 'still there')).status).toBe(200);
  });
});

describe('close', () => {
  it('ends running, queued and hanging requests and their timers', async () => {
    const backend = await startSimulatedBackend({ ...endless });
    const asked = ['a', 'b'].map((name) => ask(backend, name).then((answer) => answer.text()));
    await until(backend, { inFlight: 1, queued: 1 });
    await backend.set({ fault: { type: 'hang', forMs: 3_600_000 } });
    asked.push(ask(backend, 'c').then((answer) => answer.text()));
    await until(backend, { hanging: 1 });
    const answers = Promise.allSettled(asked);
    await backend.close();
    expect((await answers).map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    await until(backend, { inFlight: 0, queued: 0, hanging: 0, aborted: 3 });
    await backend.close();
  });
});
