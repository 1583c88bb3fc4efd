import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import express from 'express';
import { expect, test } from 'vitest';
import { eventually } from '../../../test/support/eventually.js';
import { EventStream } from './event-stream.js';
import { drain, listen } from './lifecycle.js';

/** A server with one event stream; `closed` counts its onClose calls. */
async function streaming() {
  const closing = new AbortController();
  const streams: EventStream[] = [];
  const counts = { closed: 0 };
  const app = express().get('/', (request, response) => {
    streams.push(new EventStream(request, response, closing.signal, () => counts.closed++));
  });
  const server = createServer(app);
  const { port } = await listen(server, { host: '127.0.0.1', port: 0, variable: 'TEST_PORT' });
  return {
    port,
    url: `http://127.0.0.1:${port}/`,
    closing,
    streams,
    counts,
    [Symbol.asyncDispose]: () => drain(server, 0),
  };
}

async function* textOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) yield decoder.decode(chunk);
}

test('sends events, a sign of life in between, and ends once', async () => {
  await using service = await streaming();
  const response = await fetch(service.url);
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  expect(response.headers.get('cache-control')).toBe('no-store');
  const chunks = textOf(response);
  service.streams[0]?.send({ n: 1, text: 'two\nlines' });
  expect((await chunks.next()).value).toBe('data: {"n":1,"text":"two\\nlines"}\n\n');
  expect((await chunks.next()).value).toBe(': alive\n\n');
  service.streams[0]?.end();
  service.streams[0]?.send('after the end');
  expect((await chunks.next()).done).toBe(true);
  await eventually(() => expect(service.counts.closed).toBe(1));
});

test('ends when the server stops', async () => {
  await using service = await streaming();
  const response = await fetch(service.url);
  service.closing.abort();
  expect(await response.text()).toBe('');
  await eventually(() => expect(service.counts.closed).toBe(1));
});

test('ends with its reader', async () => {
  await using service = await streaming();
  const abort = new AbortController();
  await fetch(service.url, { signal: abort.signal });
  abort.abort();
  await eventually(() => expect(service.counts.closed).toBe(1));
});

test('a reader that does not read is let go before its backlog grows', async () => {
  await using service = await streaming();
  const socket = connect(service.port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await eventually(() => expect(service.streams).toHaveLength(1));
  await eventually(() => {
    service.streams[0]?.send('x'.repeat(64 * 1024));
    expect(service.counts.closed).toBe(1);
  });
  socket.destroy();
});
