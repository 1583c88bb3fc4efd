import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SimulatedBackend, startSimulatedBackend } from '../simulated-backend.js';

let backend: SimulatedBackend;

beforeAll(async () => {
  backend = await startSimulatedBackend({ name: 'c', ttftMs: 0, tokensPerSecond: 0 });
});
afterAll(() => backend.close());
beforeEach(async () => {
  backend.clear();
  await backend.set({ fault: 'none', record: true });
});

function control(method: string, body?: string): Promise<Response> {
  return fetch(`${backend.url}/_sim`, { method, ...(body === undefined ? {} : { body }) });
}

async function embed(input: string): Promise<void> {
  const body = JSON.stringify({ input });
  await (await fetch(`${backend.url}/v1/embeddings?q=1`, { method: 'POST', body })).text();
}

async function received(): Promise<unknown[]> {
  const answer = await fetch(`${backend.url}/_sim/requests`);
  const { requests } = (await answer.json()) as { requests: unknown[] };
  return requests;
}

describe('/_sim', () => {
  it('shows and changes settings, leaving alone what is not named', async () => {
    const changed = await control('PATCH', '{"slots":2,"fault":{"type":"error","status":503}}');
    const settings = {
      name: 'c',
      slots: 2,
      ttftMs: 0,
      tokensPerSecond: 0,
      tokens: 16,
      models: ['sim-c'],
      record: true,
      coldStartMs: 0,
      loaded: true,
      fault: { type: 'error', status: 503, scope: 'api' },
    };
    expect(await changed.json()).toMatchObject({ settings, stats: { requests: 0 } });
    expect(await (await control('GET')).json()).toMatchObject({ settings });
    expect(backend.settings()).toEqual(settings);
    await embed('x');
    expect(backend.stats()).toMatchObject({ requests: 1, refused: 1 });
  });

  it('renames the backend and its default model', async () => {
    await control('PATCH', '{"name":"d"}');
    expect(backend.name).toBe('d');
    expect(backend.settings().models).toEqual(['sim-d']);
    await control('PATCH', '{"name":"c"}');
  });

  it.each([
    ['{"slots":0}', 'slots'],
    ['{"tokenPerSecond":5}', 'tokenPerSecond'],
    ['{"name":"a b"}', 'name'],
    ['{"models":["a",1]}', 'models[1]'],
    ['{"fault":"explode"}', 'fault.type'],
    ['{"fault":{"type":"error","status":200}}', 'fault.status'],
    ['{"fault":"error:abc"}', 'fault.status'],
    ['{"fault":"error:500:1"}', 'fault.status'],
    ['{"fault":{"type":"refuse","times":2}}', 'fault.times'],
    ['{"fault":{"type":"hang","status":500}}', 'fault.status'],
  ])('refuses %s and changes nothing', async (body, field) => {
    const before = backend.settings();
    const response = await control('PATCH', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: {
        code: 'invalid_setting',
        param: field,
        message: expect.stringContaining(`${field}: `),
      },
    });
    expect(backend.settings()).toEqual(before);
    await expect(startSimulatedBackend(JSON.parse(body))).rejects.toThrow(`${field}: `);
  });

  it('refuses bad JSON', async () => {
    const response = await control('PATCH', '{"slots":');
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_json' } });
  });
});

describe('/_sim/requests', () => {
  it('keeps the newest 200 with their raw bodies', async () => {
    for (let at = 0; at < 203; at += 1) await embed(String(at));
    await fetch(`${backend.url}/health`);
    const requests = await received();
    expect(requests).toHaveLength(200);
    expect(requests[0]).toMatchObject({ body: '{"input":"4"}' });
    expect(requests.at(-2)).toMatchObject({
      method: 'POST',
      path: '/v1/embeddings?q=1',
      headers: { host: `127.0.0.1:${backend.port}` },
      body: '{"input":"202"}',
      bodyBytes: 15,
      status: 200,
      outcome: 'completed',
    });
    expect(requests.at(-1)).toMatchObject({ method: 'GET', path: '/health', body: '' });
    expect(backend.stats()).toMatchObject({ requests: 203, completed: 203, probes: 1 });
  });

  it('keeps 64 KiB of a body', async () => {
    await embed('x'.repeat(200_000));
    const [request] = backend.requests();
    expect(request?.body).toHaveLength(65_536);
    expect(request?.bodyBytes).toBe(200_012);
  });

  it('is cleared together with the counters', async () => {
    await embed('x');
    const cleared = await fetch(`${backend.url}/_sim/requests`, { method: 'DELETE' });
    expect(cleared.status).toBe(204);
    expect(await received()).toEqual([]);
    expect(backend.stats()).toMatchObject({ requests: 0, completed: 0, maxInFlight: 0 });
  });

  it('stays empty when recording is off', async () => {
    await backend.set({ record: false });
    await embed('x');
    expect(backend.requests()).toEqual([]);
    expect(backend.stats()).toMatchObject({ requests: 1 });
  });
});
