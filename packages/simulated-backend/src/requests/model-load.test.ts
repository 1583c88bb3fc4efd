import { describe, expect, it } from 'vitest';
import { startSimulatedBackend } from '../simulated-backend.js';
import { ask } from '../test-support.js';

const COLD_MS = 200;
const start = (settings = {}) =>
  startSimulatedBackend({ name: 'm', ttftMs: 0, tokensPerSecond: 0, models: ['x'], ...settings });

async function get(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

describe('a model that takes time to load', () => {
  it('is loaded by the first requests, which wait for it, and stays', async () => {
    await using backend = await start({ coldStartMs: COLD_MS });
    expect(backend.settings()).toMatchObject({ loaded: false });
    expect(await get(`${backend.url}/api/ps`)).toEqual({ models: [] });
    expect(await get(`${backend.url}/running`)).toEqual({ running: [] });

    const started = performance.now();
    const asked = Promise.all([ask(backend), ask(backend)]);
    await expect
      .poll(() => get(`${backend.url}/running`))
      .toEqual({
        running: [{ model: 'x', state: 'starting' }],
      });
    for (const response of await asked) expect(response.status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(COLD_MS - 1);

    expect(await get(`${backend.url}/api/ps`)).toMatchObject({ models: [{ name: 'x' }] });
    expect(await get(`${backend.url}/running`)).toEqual({
      running: [{ model: 'x', state: 'ready' }],
    });
    await ask(backend);
    expect(backend.settings()).toMatchObject({ loaded: true });
  });

  it('can be unloaded, and be there from the start', async () => {
    await using backend = await start({ coldStartMs: COLD_MS, loaded: true });
    expect(backend.settings()).toMatchObject({ loaded: true });
    await backend.set({ loaded: false });
    expect(await get(`${backend.url}/api/ps`)).toEqual({ models: [] });
    const started = performance.now();
    await ask(backend);
    expect(performance.now() - started).toBeGreaterThanOrEqual(COLD_MS - 1);
  });
});
