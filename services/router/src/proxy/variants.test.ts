import { type SimulatedBackend, startSimulatedBackend } from '@switchyard/simulated-backend';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestRouter } from '../test-support/test-router.js';

let a: SimulatedBackend;
let b: SimulatedBackend;
beforeAll(async () => {
  a = await startSimulatedBackend({ name: 'a', ttftMs: 0, tokensPerSecond: 20 });
  b = await startSimulatedBackend({ name: 'b', ttftMs: 0, tokensPerSecond: 20 });
});
afterAll(() => Promise.all([a.close(), b.close()]));

const start = (variants: string, more = '') =>
  TestRouter.start({
    backends: { a: a.url, b: b.url },
    backend: 'capacity: 1',
    pool: `variants: { ${variants} }${more}`,
  });

async function ask(router: TestRouter, maxTokens = 1) {
  const messages = [{ role: 'user', content: 'x' }];
  const body = { model: 'pool:all', max_tokens: maxTokens, messages };
  const response = await router.post('/v1/chat/completions', body);
  const { model } = (await response.json()) as { model: string };
  return { model, variant: response.headers.get('x-switchyard-variant') };
}

describe('while the only backend of the variant is busy', () => {
  test('another variant stands in', async () => {
    await using router = await start(
      'x: { percent: 99.99, backends: [a], model: mx }, y: { percent: 0.01, backends: [b], model: my }',
    );
    const busy = ask(router, 10);
    await expect.poll(() => router.inFlight).toBe(1);
    expect(await ask(router)).toEqual({ variant: 'y', model: 'my' });
    expect(await busy).toEqual({ variant: 'x', model: 'mx' });
  });

  test.each([
    ['with spill: 0', '0.01', ', queue: { spill: 0 }'],
    ['with 0 %', '0', ''],
  ])('not one %s: the request waits', async (_what, percent, more) => {
    await using router = await start(
      `x: { percent: ${100 - Number(percent)}, backends: [a], model: mx }, y: { percent: ${percent}, backends: [b] }`,
      more,
    );
    const busy = ask(router, 10);
    await expect.poll(() => router.inFlight).toBe(1);
    expect(await ask(router)).toEqual({ variant: 'x', model: 'mx' });
    await busy;
    expect(router.records.map(({ queuedMs }) => queuedMs !== undefined).sort()).toEqual([
      false,
      true,
    ]);
    expect(router.inFlight).toBe(0);
  });
});

test('one backend may serve two variants, each with its model', async () => {
  await using router = await start('x: { percent: 50, model: mx }, y: { percent: 50, model: my }');
  const { variant, model } = await ask(router);
  expect(model).toBe(`m${variant}`);
  expect(router.records[0]).toMatchObject({ variant, model });
});
