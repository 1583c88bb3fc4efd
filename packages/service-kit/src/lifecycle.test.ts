import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { eventually } from '../../../test/support/eventually.js';
import { ConfigError } from './config-error.js';
import { drain, listen, serverUrl } from './lifecycle.js';

async function listening(
  handler: RequestListener,
): Promise<AsyncDisposable & { server: Server; port: number; url: string }> {
  const server = createServer(handler);
  const { port } = await listen(server, { host: '127.0.0.1', port: 0, variable: 'TEST_PORT' });
  return {
    server,
    port,
    url: serverUrl('127.0.0.1', port),
    [Symbol.asyncDispose]: () => drain(server, 0),
  };
}

const problemOf = async (host: string, port: number) => {
  const server = createServer();
  const error = await listen(server, { host, port, variable: 'TEST_PORT' }).catch(
    (e: unknown) => e,
  );
  server.close();
  return error instanceof ConfigError ? error.problems : error;
};

test('a taken port is a problem of the port', async () => {
  await using taken = await listening(() => undefined);
  expect(await problemOf('127.0.0.1', taken.port)).toEqual([
    `TEST_PORT: port ${taken.port} on 127.0.0.1 is in use by another process; choose another one`,
  ]);
});

test('an address of another machine is a problem of the host', async () => {
  expect(await problemOf('192.0.2.1', 0)).toEqual([
    'TEST_HOST: cannot listen on 192.0.2.1 (EADDRNOTAVAIL); give an address of this machine',
  ]);
});

test('an IPv6 address stands in brackets', () => {
  expect(serverUrl('::1', 80)).toBe('http://[::1]:80');
});

test('drain waits for running requests, refuses new ones and closes idle connections', async () => {
  let finish: (() => void) | undefined;
  await using service = await listening((request, response) => {
    if (request.url === '/quick') {
      response.end('quick');
      return;
    }
    finish = () => response.end('slow');
  });
  await (await fetch(`${service.url}/quick`)).text();
  const slow = fetch(`${service.url}/slow`);
  await eventually(() => expect(finish).toBeDefined());
  const drained = drain(service.server, 10_000);
  await expect(fetch(`${service.url}/late`)).rejects.toThrow();
  finish?.();
  expect(await (await slow).text()).toBe('slow');
  await drained;
});

test('drain cuts what does not end in time', async () => {
  await using service = await listening(() => undefined);
  const socket = connect(service.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(service.server, 'request');
  await drain(service.server, 50);
  await once(socket, 'close');
});

test('drain does not wait for a connection that never asked anything', async () => {
  await using service = await listening(() => undefined);
  const socket = connect(service.port, '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  const forever = 2 ** 31 - 1;
  await drain(service.server, forever);
  await closed;
});
