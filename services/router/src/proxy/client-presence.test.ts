import { expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { RawClient } from '../test-support/raw-client.js';
import { httpServer } from '../test-support/servers.js';
import { type Abortable, clientGone, signalOf } from './client-presence.js';

test('aborts once when the client leaves, for all who listen and go on listening', async () => {
  let gone: Abortable | undefined;
  await using server = await httpServer((request, response) => {
    gone = clientGone(request, response);
  });
  using client = await RawClient.connect(server.url);
  client.send('GET / HTTP/1.1', 'Host: r', '', '');
  await eventually(() => expect(gone).toBeDefined());
  const heard: string[] = [];
  const off = () => heard.push('off');
  gone?.addEventListener('abort', () => heard.push('first'));
  gone?.addEventListener('abort', off);
  gone?.addEventListener('abort', () => heard.push('second'));
  gone?.removeEventListener('abort', off);
  const signal = gone && signalOf(gone);
  expect(signal?.aborted).toBe(false);
  client.socket.destroy();
  await eventually(() => expect(heard).toEqual(['first', 'second']));
  expect(gone?.aborted).toBe(true);
  expect(signal?.aborted).toBe(true);
  expect(signal?.reason).toBe(gone?.reason);
  expect(gone && signalOf(gone).aborted).toBe(true);
});

test('does not abort when the client has its whole answer', async () => {
  let gone: Abortable | undefined;
  let isClosed = false;
  await using server = await httpServer((request, response) => {
    gone = clientGone(request, response);
    response.once('close', () => {
      isClosed = true;
    });
    response.end('all of it');
  });
  expect(await (await fetch(server.url)).text()).toBe('all of it');
  await eventually(() => expect(isClosed).toBe(true));
  expect(gone?.aborted).toBe(false);
});

test('a signal stands for itself', () => {
  const { signal } = new AbortController();
  expect(signalOf(signal)).toBe(signal);
});
