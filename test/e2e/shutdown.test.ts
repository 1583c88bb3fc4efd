import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { Fleet } from '../support/fleet.js';

const hour = 3_600_000;

/** A stream that runs: about two seconds at twenty events a second. */
async function stream(fleet: Fleet) {
  const response = await fleet.chat('x', { model: 'pool:main', stream: true, max_tokens: 40 });
  expect(response.status).toBe(200);
  return response;
}

const fleetOf = (graceMs?: number) =>
  Fleet.start({
    pools: { main: ['a'] },
    simulation: { ttftMs: 0, tokensPerSecond: 20 },
    settings: graceMs === undefined ? {} : { shutdown: { graceMs } },
  });

async function refusesConnections(url: string): Promise<void> {
  await eventually(async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    const outcome = await Promise.race([
      once(socket, 'connect').then(() => 'accepted'),
      once(socket, 'error').then(([error]: NodeJS.ErrnoException[]) => error?.code),
    ]).catch(({ code }: NodeJS.ErrnoException) => code);
    socket.destroy();
    expect(outcome).toBe('ECONNREFUSED');
  });
}

describe('SIGTERM', () => {
  test('lets streams finish, takes nothing new, and ends with 0', async () => {
    await using fleet = await fleetOf();
    const running = await Promise.all([stream(fleet), stream(fleet), stream(fleet)]);
    const exit = fleet.router.kill('SIGTERM');
    await refusesConnections(fleet.url);
    for (const response of running) {
      const text = await response.text();
      expect(text).toMatch(/data: \[DONE\]\n\n$/);
      expect(text.match(/"content":/g)?.length).toBeGreaterThanOrEqual(40);
    }
    expect(await exit).toBe(0);
    expect(fleet.backend('a').stats()).toMatchObject({ completed: 3, aborted: 0, inFlight: 0 });
  });

  test('makes /ready false at once for those who still have a connection', async () => {
    await using fleet = await fleetOf();
    const running = await stream(fleet);
    const socket = connect(Number(new URL(fleet.url).port), '127.0.0.1');
    await once(socket, 'connect');
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes.toString();
    });
    // A connection that is idle is closed; this one has a stream, and /ready is asked behind it.
    const body =
      '{"model":"pool:main","messages":[{"role":"user","content":"x"}],"stream":true,"max_tokens":100}';
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await eventually(() => expect(answer).toContain('data: '));
    const exit = fleet.router.kill('SIGTERM');
    await refusesConnections(fleet.url);
    socket.write('GET /ready HTTP/1.1\r\nHost: r\r\n\r\n');
    await once(socket, 'close');
    expect(answer).toMatch(/data: \[DONE\]/);
    expect(answer).toContain('HTTP/1.1 503 Service Unavailable');
    expect(answer).toContain('the router is stopping');
    expect(answer.split('HTTP/1.1 503')[1]).toMatch(/connection: close/i);
    await running.text();
    expect(await exit).toBe(0);
  });

  test('tells clients whose answer has not begun to use another connection', async () => {
    await using fleet = await fleetOf();
    await fleet.backend('a').set({ ttftMs: 3000 });
    const agent = new Agent({ keepAlive: true });
    const asking = request(`${fleet.url}/v1/chat/completions`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json' },
    });
    asking.end('{"model":"pool:main","messages":[{"role":"user","content":"x"}],"max_tokens":2}');
    await eventually(() => expect(fleet.backend('a').stats().inFlight).toBe(1));
    const exit = fleet.router.kill('SIGTERM');
    const [response] = await once(asking, 'response');
    expect(response.statusCode).toBe(200);
    expect(response.headers.connection).toBe('close');
    response.resume();
    agent.destroy();
    expect(await exit).toBe(0);
  });

  test('cuts what takes longer than the limit, gives back its slot, and still ends with 0', async () => {
    await using fleet = await fleetOf(300);
    await fleet.backend('a').set({ tokensPerSecond: 1 });
    const running = await fleet.chat('x', { model: 'pool:main', stream: true, max_tokens: 3600 });
    const exit = fleet.router.kill('SIGTERM');
    await expect(running.text()).rejects.toThrow();
    expect(await exit).toBe(0);
    await eventually(() =>
      expect(fleet.backend('a').stats()).toMatchObject({ inFlight: 0, aborted: 1 }),
    );
    expect(fleet.router.log.map(({ outcome }) => outcome).filter(Boolean)).toEqual(['client gone']);
  });

  test('cuts a request that has no answer by then, and ends its call of the backend', async () => {
    await using fleet = await Fleet.start({
      pools: { main: ['a'] },
      settings: { timeouts: { readMs: hour }, shutdown: { graceMs: 300 } },
    });
    await fleet.backend('a').set({ fault: 'hang' });
    const lost = fleet.chat('x', { model: 'pool:main' }).catch(() => 'cut');
    await eventually(() => expect(fleet.backend('a').stats().hanging).toBe(1));
    expect(await fleet.router.kill('SIGTERM')).toBe(0);
    expect(await lost).toBe('cut');
    await eventually(() => expect(fleet.backend('a').stats().hanging).toBe(0));
  });
});
