import OpenAI from 'openai';
import { describe, expect, it, vi } from 'vitest';
import { ask, failure, patience, start } from './test-support.js';

describe('reset', () => {
  it('ends the connection without an answer', async () => {
    await using backend = await start({ type: 'reset', times: 2 });
    expect(await failure(ask(backend))).toMatch(/ECONNRESET|UND_ERR_SOCKET/);
    expect(await failure(ask(backend))).toMatch(/ECONNRESET|UND_ERR_SOCKET/);
    expect((await ask(backend)).status).toBe(200);
    expect(backend.stats()).toMatchObject({ requests: 3, refused: 2, completed: 1 });
    expect(backend.settings().fault).toEqual({ type: 'none' });
  });
});

describe('hang', () => {
  it('never answers, holds no slot, and sees the client leave', async () => {
    await using backend = await start('hang');
    const client = new AbortController();
    const url = `${backend.url}/v1/embeddings`;
    const attempt = fetch(url, { method: 'POST', body: '{"input":"x"}', signal: client.signal });
    await vi.waitFor(() => expect(backend.stats().hanging).toBe(1), patience);
    expect(backend.stats().inFlight).toBe(0);
    expect((await fetch(`${backend.url}/health`)).status).toBe(200);
    client.abort();
    await expect(attempt).rejects.toThrow();
    await vi.waitFor(() => {
      expect(backend.stats()).toMatchObject({ hanging: 0, aborted: 1 });
    }, patience);
    expect(backend.requests()[0]).toMatchObject({ outcome: 'aborted', body: '{"input":"x"}' });
  });
});

describe('error', () => {
  it('meets one request out of so many', async () => {
    await using backend = await start({ type: 'error', status: 500, every: 3, times: 2 });
    const statuses: number[] = [];
    for (let i = 0; i < 9; i++) statuses.push((await ask(backend)).status);
    expect(statuses).toEqual([200, 200, 500, 200, 200, 500, 200, 200, 200]);
  });

  it.each([
    [400, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'server_error'],
    [503, 'server_error'],
  ])('answers %d', async (status, type) => {
    await using backend = await start({ type: 'error', status, retryAfter: 7, times: 1 });
    const response = await ask(backend, { stream: true });
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(response.headers.get('x-simulated-backend')).toBe('f');
    expect(await response.json()).toMatchObject({ error: { type, code: 'simulated_error' } });
    expect((await ask(backend)).status).toBe(200);
    expect(backend.requests().map(({ outcome }) => outcome)).toEqual(['refused', 'completed']);
  });

  it('is raised and retried by the client of OpenAI', async () => {
    await using backend = await start({ type: 'error', status: 503, retryAfter: 0.001, times: 1 });
    const client = new OpenAI({ baseURL: `${backend.url}/v1`, apiKey: 'k', maxRetries: 1 });
    const messages = [{ role: 'user' as const, content: 'hi' }];
    const answer = await client.chat.completions.create({ model: 'm', messages });
    expect(answer.choices[0]?.message.content).toMatch(/^\[f\] hi/);
    await backend.set({ fault: 'error:400' });
    await expect(client.chat.completions.create({ model: 'm', messages })).rejects.toMatchObject({
      status: 400,
      code: 'simulated_error',
    });
  });

  it('reaches health checks only with scope all', async () => {
    await using backend = await start('error:500');
    const probe = async () => (await fetch(`${backend.url}/health`)).status;
    expect(await probe()).toBe(200);
    await backend.set({ fault: { type: 'error', scope: 'all', times: 2 } });
    expect([await probe(), await probe(), await probe()]).toEqual([500, 500, 200]);
    expect(backend.stats()).toMatchObject({ requests: 0, refused: 0, probes: 4 });
  });

  it('lifts itself after its time', async () => {
    await using backend = await start({ type: 'error', forMs: 30 });
    await vi.waitFor(() => expect(backend.settings().fault.type).toBe('none'), patience);
    expect((await ask(backend)).status).toBe(200);
  });
});
