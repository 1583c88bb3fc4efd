import { get } from 'node:http';
import { describe, expect, it } from 'vitest';
import { ask, received, start } from './test-support.js';

describe('cut', () => {
  it.each([
    [0, 0],
    [3, 1 + 3],
    [100, 1 + 8],
  ])('breaks a stream after %d tokens', async (afterTokens, events) => {
    await using backend = await start({ type: 'cut', afterTokens });
    const response = await ask(backend, { stream: true });
    expect(response.status).toBe(200);
    const { text, broke } = await received(response);
    expect(broke).toBe(true);
    expect(text.split('\n\n').length - 1).toBe(events);
    expect(text).not.toContain('[DONE]');
    expect(backend.stats()).toMatchObject({ cut: 1, completed: 0, aborted: 0, inFlight: 0 });
  });

  it('sends half of a body of a declared length', async () => {
    await using backend = await start('cut');
    const response = await ask(backend);
    const declared = Number(response.headers.get('content-length'));
    const { text, broke } = await received(response);
    expect(broke).toBe(true);
    expect(text.length).toBe(Math.floor(declared / 2));
  });
});

describe('trickle', () => {
  it.each([true, false])('sends single bytes, stream: %s', async (stream) => {
    await using backend = await start({ type: 'trickle', byteDelayMs: 0, times: 1 });
    const trickled = await (await ask(backend, { stream })).text();
    const whole = await (await ask(backend, { stream })).text();
    expect(trickled.length).toBe(whole.length);
    expect(backend.stats()).toMatchObject({ completed: 2, inFlight: 0 });
  });

  it('splits even one character over several packets', async () => {
    await using backend = await start({ type: 'trickle', byteDelayMs: 2, scope: 'all' });
    const sizes = await new Promise<number[]>((resolve, reject) => {
      get(`${backend.url}/health`, (response) => {
        const seen: number[] = [];
        response.on('data', (bytes: Buffer) => seen.push(bytes.length));
        response.on('end', () => resolve(seen));
      }).on('error', reject);
    });
    expect(sizes.length).toBeGreaterThan(1);
    expect(sizes.reduce((sum, size) => sum + size)).toBe('{"status":"ok"}'.length);
  });
});
