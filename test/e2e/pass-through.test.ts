import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServiceProcess } from '../support/service-process.js';
import { startRouter } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

interface Seen {
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

const seen: Seen[] = [];
const events =
  ': a comment\r\n\r\ndata: {"a":1}\r\n\r\nevent: x\ndata: ünï\ndata: two\n\ndata: [DONE]\n\n';

/** A backend that answers in ways a well-behaved one would not. */
const server = createServer(async (request, response) => {
  if (request.url === '/base/health') {
    response.end();
    return;
  }
  seen.push({ url: request.url, headers: request.headers, body: await text(request) });
  if (request.url?.endsWith('/binary'))
    response
      .writeHead(200, { 'content-type': 'audio/wav', 'content-length': 256 })
      .end(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
  else
    response
      .writeHead(201, [
        ...['content-type', 'text/event-stream'],
        ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
        ...['x-switchyard-pool', 'forged', 'X-Custom', 'kept', 'Keep-Alive', 'timeout=77'],
      ])
      .end(events);
});

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let router: ServiceProcess;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
  directory = await temporaryDirectory();
  router = await startRouter({
    directory: directory.path,
    yaml: `pools: { all: { backends: [{ name: odd, url: "${url}", model: real-model }] } }\ndefault: all\n`,
  });
});

afterAll(async () => {
  await router?.[Symbol.asyncDispose]();
  server.close();
  server.closeAllConnections();
  await directory?.[Symbol.asyncDispose]();
});

/** Bytes as they are on the wire, without a client's help. */
async function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(router.url);
  const socket = connect(Number(port), hostname);
  socket.write(request);
  return text(socket);
}

test('a body arrives byte for byte but for the model', async () => {
  const odd =
    '{ "temperature": 1.0, "seed": 12345678901234567890,\n\t"messages": [{"role":"user","content":"h\\u00e9 \\ud83d\\ude00","model":"inner"}], "\\u006dodel" : "auto", "x": {"model": "deep"}, "stop":null }';
  const response = await fetch(`${router.url}/v1/chat/completions?trace=1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: odd,
  });
  await response.text();
  expect(seen.at(-1)?.body).toBe(odd.replace('"auto"', '"real-model"'));
  expect(seen.at(-1)?.url).toBe('/base/v1/chat/completions?trace=1');
});

test('an event stream and its headers come back as they were sent', async () => {
  const response = await fetch(`${router.url}/v1/chat/completions`, {
    method: 'POST',
    body: '{"messages":[{"role":"user","content":"x"}]}',
  });
  expect(response.status).toBe(201);
  expect(await response.text()).toBe(events);
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(response.headers.get('x-custom')).toBe('kept');
  expect(response.headers.get('x-switchyard-pool')).toBe('all');
  expect(response.headers.get('keep-alive')).not.toBe('timeout=77');
});

test('binary answers of other endpoints pass through, and bodies that are not JSON', async () => {
  const upload = Buffer.from([0, 255, 13, 10, 123]);
  const response = await fetch(`${router.url}/v1/audio/binary`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: upload,
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  expect([...bytes]).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
  expect(Buffer.from(seen.at(-1)?.body ?? '', 'utf8').at(-1)).toBe(123);
  expect(seen.at(-1)?.headers['content-type']).toBe('application/octet-stream');
});

test('hop-by-hop headers and the secrets of the client stay here', async () => {
  const body = '{"messages":[{"role":"user","content":"x"}]}';
  const answer = await raw(
    [
      'POST /v1/chat/completions HTTP/1.1',
      'Host: switchyard.example',
      'Connection: close, X-Secret-Hop',
      'X-Secret-Hop: 1',
      'TE: trailers',
      'Authorization: Bearer client-key',
      'X-Api-Key: client-key',
      'Cookie: session=1',
      'X-Request-Id: my-request-1',
      'X-Kept: yes',
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n'),
  );
  expect(answer).toMatch(/^HTTP\/1\.1 201 /);
  expect(answer).toMatch(/x-request-id: my-request-1\r\n/i);
  const headers = seen.at(-1)?.headers ?? {};
  expect(headers).toMatchObject({ 'x-kept': 'yes', 'x-request-id': 'my-request-1' });
  for (const name of ['authorization', 'x-api-key', 'cookie', 'te', 'x-secret-hop'])
    expect(headers).not.toHaveProperty(name);
  expect(headers.host).not.toBe('switchyard.example');
});

test.each([
  '/v1/../health',
  '/v1/%2e%2e/health',
  '/v1/x/../../health',
  '/v1/..%2f..%2fhealth',
  '/v1/%2e%2e%5chealth',
  '/v1\\..\\health',
])('a path cannot leave /v1 at the backend: %s', async (path) => {
  const before = seen.length;
  const answer = await raw(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
  expect(seen).toHaveLength(before);
});

test('a large body arrives whole', async () => {
  const content = 'word '.repeat(1_000_000);
  const body = JSON.stringify({ messages: [{ role: 'user', content }], model: 'auto' });
  const response = await fetch(`${router.url}/v1/chat/completions`, { method: 'POST', body });
  await response.text();
  const digest = (value: string) => createHash('sha256').update(value).digest('hex');
  expect(digest(seen.at(-1)?.body ?? '')).toBe(digest(body.replace(/"auto"}$/, '"real-model"}')));
});
