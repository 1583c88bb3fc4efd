import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { errors } from 'undici';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { chatBody, RawClient } from '../test-support/raw-client.js';
import { httpServer, rawServer } from '../test-support/servers.js';
import { TestRouter } from '../test-support/test-router.js';
import type { BackendResponse } from './backend-response.js';
import { clientGone } from './client-presence.js';
import { type RelayEnd, relay } from './relay.js';

const megabyte = Buffer.alloc(1024 * 1024, 'x');
const eventStream =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n';

/** Waits until a growing number stays the same for a while, and returns it. */
async function settled(value: () => number): Promise<number> {
  for (let before = -1, same = 0; same < 20; before = value()) {
    await sleep(10);
    same = value() === before ? same + 1 : 0;
  }
  return value();
}

describe('a client that reads slowly', () => {
  test('makes the backend wait, and gets everything in the end', async () => {
    const total = 96;
    let written = 0;
    await using backend = await httpServer(async (_request, response) => {
      for (; written < total; written++)
        if (!response.write(megabyte)) await once(response, 'drain');
      response.end();
    });
    await using router = await TestRouter.start({ backends: { a: backend.url } });
    using client = await RawClient.connect(router.url);
    client.socket.pause();
    client.send('GET /v1/files/1/content HTTP/1.1', 'Host: r', 'Connection: close', '', '');
    await eventually(() => expect(written).toBeGreaterThan(0));
    // What the kernel's buffers and the streams between take, which is far from everything.
    expect(await settled(() => written)).toBeLessThan(total / 2);
    expect(router.inFlight).toBe(1);
    client.socket.resume();
    await client.closed;
    expect(client.bytes.length).toBeGreaterThan(total * megabyte.length);
    expect(written).toBe(total);
    expect(router.records[0]).toMatchObject({ outcome: 'complete' });
  });

  test('and then not at all is given up, and with it the call to the backend', async () => {
    const closed: string[] = [];
    await using backend = await httpServer(async (_request, response) => {
      response.once('close', () => closed.push('closed'));
      while (!response.destroyed)
        if (!response.write(megabyte)) await once(response, 'drain').catch(() => undefined);
    });
    await using router = await TestRouter.start({ backends: { a: backend.url }, readMs: 100 });
    using client = await RawClient.connect(router.url);
    client.socket.pause();
    client.send('GET /v1/files/1/content HTTP/1.1', 'Host: r', '', '');
    await eventually(() => expect(router.records[0]?.outcome).toBe('client gone'));
    expect(router.inFlight).toBe(0);
    await eventually(() => expect(closed).toEqual(['closed']));
  });

  test('leaves no listeners behind, however often it makes the relay wait', async () => {
    const listeners: number[] = [];
    let outcome: Promise<RelayEnd> | undefined;
    await using server = await httpServer((request, response) => {
      outcome = relay(
        response,
        endless(response, listeners),
        {},
        {
          gone: clientGone(request, response),
          stallMs: 60_000,
        },
      );
    });
    const response = await fetch(server.url);
    await response.arrayBuffer();
    expect(await outcome).toEqual({ outcome: 'complete' });
    expect(new Set(listeners).size).toBe(1);
  });
});

/** Thirty pieces that each fill the response's buffer; notes how many listen to it before each. */
function endless(response: ServerResponse, listeners: number[]): BackendResponse {
  async function* pieces() {
    for (let piece = 0; piece < 30; piece++) {
      listeners.push(
        ['drain', 'close', 'error'].reduce((sum, name) => sum + response.listenerCount(name), 0),
      );
      yield megabyte;
    }
  }
  return {
    status: 200,
    headers: [],
    first: { done: false, value: Buffer.alloc(0) },
    body: pieces(),
    discard: () => undefined,
  } as unknown as BackendResponse;
}

describe('a backend that breaks off', () => {
  const chunks = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const chunkedEvents = `${eventStream.replace('\r\n\r\n', '\r\nTransfer-Encoding: chunked\r\n\r\n')}`;

  async function relayed(until: RegExp | 'closed', ...parts: string[]) {
    await using backend = await rawServer(async (socket) => {
      for (const part of parts) {
        socket.write(part, 'latin1');
        await sleep(5);
      }
      socket.resetAndDestroy();
    });
    await using router = await TestRouter.start({ backends: { a: backend.url } });
    using client = await RawClient.connect(router.url);
    client.post('/v1/chat/completions', chatBody({ stream: true }));
    if (until === 'closed') await client.closed;
    else await eventually(() => expect(client.text).toMatch(until));
    expect(router.records.map(({ outcome }) => outcome)).toEqual(['cut by backend']);
    expect(router.inFlight).toBe(0);
    expect(router.registry.backends()[0]).toMatchObject({ failures: 1 });
    return client;
  }

  const errorEvent =
    'data: {"error":{"message":"backend all/a broke off its answer","type":"server_error",' +
    '"code":"backend_error","param":null}}\n\n';

  test.each([
    ['between two events', ['data: 1\n\n'], 'data: 1\n\n'],
    ['between two events whose end came alone', ['data: 1\n', '\n'], undefined],
    ['within an event', ['data: 1\n\ndata: {"a'], 'data: 1\n\ndata: {"a\n\n'],
    ['after a line', ['data: 1\n'], 'data: 1\n\n\n'],
  ])(
    '%s: the stream ends with an error event, as a stream that is whole does',
    async (_where, sent, expected) => {
      // The chunks' framing is ours; the last one is there: the client sees a proper end.
      const client = await relayed(/\r\n0\r\n\r\n$/, chunkedEvents, ...sent.map(chunks));
      expect(client.error).toBeUndefined();
      const body = client.text
        .slice(client.text.indexOf('\r\n\r\n') + 4)
        .replace(/(^|\r\n)[0-9a-f]+\r\n/g, '')
        .replace(/\r\n$/, '');
      expect(body.endsWith(errorEvent)).toBe(true);
      if (expected) expect(body).toBe(expected + errorEvent);
    },
  );

  test.each([
    ['JSON in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', chunks('{"a":')],
    ['a known length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n', '{"a":'],
    [
      'events of a known length',
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 100\r\n\r\n',
      'data: 1\n\n',
    ],
    [
      'compressed events',
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n',
      chunks('\x1f\x8b\b'),
    ],
  ])('%s: only the connection ends', async (_what, head, part) => {
    const client = await relayed('closed', head, part);
    expect(client.text).toContain('HTTP/1.1 200');
    expect(client.text).not.toContain('error');
    expect(client.text).not.toMatch(/0\r\n\r\n$/);
  });

  test('within a stream leaves the connection to the next request', async () => {
    await using backend = await rawServer(async (socket) => {
      socket.write(chunkedEvents + chunks('data: 1\n\n'));
      await sleep(5);
      socket.destroy();
    });
    await using router = await TestRouter.start({ backends: { a: backend.url } });
    using client = await RawClient.connect(router.url);
    for (const answers of [1, 2]) {
      client.post('/v1/chat/completions', chatBody({ stream: true }));
      await eventually(() => {
        expect(client.text.match(/broke off its answer/g)).toHaveLength(answers);
      });
    }
    expect(client.error).toBeUndefined();
  });

  test('an answer without a length that ends with its connection is complete', async () => {
    await using backend = await rawServer((socket) => {
      socket.end(`${eventStream}data: 1\n\n`);
    });
    await using router = await TestRouter.start({ backends: { a: backend.url } });
    const response = await router.post('/v1/chat/completions', chatBody());
    expect(await response.text()).toBe('data: 1\n\n');
    expect(router.records[0]?.outcome).toBe('complete');
  });
});

test('a backend that falls silent in a stream is a time-out', async () => {
  await using backend = await rawServer((socket) => socket.write(`${eventStream}data: 1\n\n`));
  await using router = await TestRouter.start({
    backends: { a: backend.url },
    yaml: 'timeouts: { readMs: 100 }',
  });
  const response = await router.post('/v1/chat/completions', chatBody());
  const events = (await response.text()).split('\n\n');
  expect(events[0]).toBe('data: 1');
  expect(JSON.parse(events[1]?.slice('data: '.length) ?? '')).toMatchObject({
    error: { code: 'backend_timeout' },
  });
  expect(router.inFlight).toBe(0);
  await eventually(() => expect(backend.sockets.size).toBe(0));
});

test('headers that cannot be sent on become an error, and nothing is held', async () => {
  await using server = await httpServer(async (request, response) => {
    const answer = {
      status: 200,
      headers: ['x-bad', 'line\nbreak'],
      first: { done: true, value: undefined },
      discard: () => response.setHeader('x-discarded', 'yes'),
    } as unknown as BackendResponse;
    const reader = { gone: clientGone(request, response), stallMs: 1000 };
    const error: unknown = await relay(response, answer, {}, reader).catch((e: unknown) => e);
    response.end(error instanceof errors.UndiciError ? '' : String(error));
  });
  const response = await fetch(server.url);
  expect(response.headers.get('x-discarded')).toBe('yes');
  expect(await response.text()).toContain('Invalid character in header content');
});
