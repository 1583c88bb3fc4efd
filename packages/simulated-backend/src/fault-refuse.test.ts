import { describe, expect, it, vi } from 'vitest';
import { ask, connecting, failure, patience, start } from './test-support.js';

describe('refuse', () => {
  it('closes the listening socket and takes the same port again', async () => {
    await using backend = await start('none');
    expect((await ask(backend)).status).toBe(200);
    await backend.set({ fault: 'refuse' });
    expect(await connecting(backend)).toBe('ECONNREFUSED');
    await backend.set({ fault: 'none' });
    expect((await ask(backend)).status).toBe(200);
    await backend.set({ fault: 'refuse' });
    await backend.set({ fault: 'error:500' });
    expect((await ask(backend)).status).toBe(500);
  });

  it('lets a running answer finish and refuses what follows', async () => {
    await using backend = await start('none');
    await backend.set({ tokensPerSecond: 200, tokens: 40 });
    const running = await ask(backend, { stream: true });
    await backend.set({ fault: 'refuse' });
    expect(await connecting(backend)).toBe('ECONNREFUSED');
    expect(await running.text()).toContain('[DONE]');
    expect(await failure(ask(backend))).toMatch(/ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET/);
  });

  it('can be in force from the start and set over HTTP, and ends after its time', async () => {
    await using backend = await start({ type: 'refuse', forMs: 50 });
    const alive = async () => expect((await ask(backend)).status).toBe(200);
    await vi.waitFor(alive, patience);
    const body = JSON.stringify({ fault: { type: 'refuse', forMs: 1000 } });
    expect((await fetch(`${backend.url}/_sim`, { method: 'PATCH', body })).status).toBe(200);
    expect(await connecting(backend)).toBe('ECONNREFUSED');
    await vi.waitFor(alive, patience);
  });
});
