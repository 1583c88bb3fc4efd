import { once } from 'node:events';
import { createServer, type RequestListener, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { limitSilence } from './silence-limit.js';

const LIMIT_MS = 400;

async function serve(handle: RequestListener) {
  const server = createServer(handle);
  limitSilence(server, {
    silenceMs: LIMIT_MS,
    requestMs: 3 * LIMIT_MS,
    mayTakeLonger: ({ url }) => url === '/upload',
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    server,
    upload: (path = '/upload') => request({ port, path, host: '127.0.0.1', method: 'POST' }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
const answerAtEnd: RequestListener = (incoming, response) => {
  incoming.resume().once('end', () => response.end('done'));
};

test('an upload may take longer than the limit, as long as something comes', async () => {
  await using service = await serve(answerAtEnd);
  expect(service.server.requestTimeout).toBe(0);
  const upload = service.upload();
  const answered = once(upload, 'response');
  for (let sent = 0; sent < 8; sent++) {
    upload.write('part');
    await sleep(LIMIT_MS / 4);
  }
  upload.end();
  expect((await answered)[0].statusCode).toBe(200);
});

test('anything else may not, though something comes all the time', async () => {
  await using service = await serve(answerAtEnd);
  const upload = service.upload('/other');
  const cut = once(upload, 'error');
  const dripping = setInterval(() => upload.write('x'), LIMIT_MS / 4);
  expect((await cut)[0]).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) });
  clearInterval(dripping);
});

test('an upload that stops half way is cut', async () => {
  await using service = await serve(answerAtEnd);
  const upload = service.upload();
  upload.write('part');
  const [error] = await once(upload, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
});

test('an answer may take longer than the limit', async () => {
  await using service = await serve((incoming, response) => {
    incoming.resume();
    setTimeout(() => response.end('done'), 3 * LIMIT_MS);
  });
  const upload = service.upload();
  upload.end('all of it');
  const [response] = await once(upload, 'response');
  expect(response.statusCode).toBe(200);
});

test.each([
  { what: 'read', handle: answerAtEnd },
  { what: 'not read', handle: ((_, response) => response.end('no')) satisfies RequestListener },
])(
  'where the request was $what, its connection is kept no longer than usual',
  async ({ handle }) => {
    await using service = await serve(handle);
    const connected = once(service.server, 'connection');
    const upload = service.upload();
    upload.end('all of it');
    const [response] = await once(upload, 'response');
    await once(response.resume(), 'end');
    await sleep(50);
    const [socket] = await connected;
    expect(socket.timeout).toBeGreaterThan(LIMIT_MS);
  },
);

test('an answer may take as long as it likes, with pauses, once the request is here', async () => {
  await using service = await serve((_, response) => {
    response.write('data: 1\n\n');
    setTimeout(() => response.write('data: 2\n\n'), 2 * LIMIT_MS);
    setTimeout(() => response.end('data: 3\n\n'), 4 * LIMIT_MS);
  });
  const { port } = service.server.address() as AddressInfo;
  // No route reads the body of a GET: there is none.
  const stream = await fetch(`http://127.0.0.1:${port}/events`);
  expect((await stream.text()).match(/\d/g)).toEqual(['1', '2', '3']);
});
