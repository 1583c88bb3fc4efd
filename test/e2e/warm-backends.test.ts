import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';

test('a server that was restarted gets no request before its model is loaded', async () => {
  await using fleet = await Fleet.start({
    pools: { main: ['a', 'b'] },
    poolSettings: { main: { warm: true } },
    settings: { health: { intervalMs: 100 }, slowStart: { ms: 0 } },
    simulation: { coldStartMs: 700 },
  });
  const ask = async () => {
    const response = await fleet.chat('question', { model: 'pool:main', max_tokens: 1 });
    expect(response.status).toBe(200);
    await response.text();
    return response.headers.get('x-switchyard-backend');
  };
  await Promise.all([ask(), ask(), ask(), ask()]);
  await fleet.killBackend('a');
  await eventually(async () => {
    await ask();
    expect((await fleet.status()).pools[0]?.backends[0]?.healthy).toBe(false);
  });
  await fleet.returnBackend('a');
  const servers: (string | null)[] = [];
  const { tookMs } = await eventually(async () => {
    servers.push(await ask());
    expect(servers.at(-1)).toBe('a');
  });
  const bodies = fleet
    .backend('a')
    .requests()
    .filter(({ method }) => method === 'POST')
    .map(({ body }) => JSON.parse(body).messages[0].content);
  expect(bodies[0]).toBe('Hi');
  expect(bodies.slice(1).every((content) => content === 'question')).toBe(true);
  expect(fleet.backend('b').stats().requests).toBeGreaterThan(5);
  process.stdout.write(
    `the first request after ${Math.round(tookMs)} ms, ${servers.length - 1} by the other\n`,
  );
  await fleet.allLeasesReturned();
});
