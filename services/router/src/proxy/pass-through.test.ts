import { createHash, randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { chatBody, RawClient } from '../test-support/raw-client.js';
import { httpServer, rawServer } from '../test-support/servers.js';
import { TestRouter } from '../test-support/test-router.js';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('binary bodies arrive byte for byte, both ways, whatever the chunks', async () => {
  const answer = randomBytes(1_500_000);
  const seen: string[] = [];
  await using backend = await httpServer(async (request, response) => {
    seen.push(sha256(await buffer(request)));
    for (let at = 0, size = 1; at < answer.length; at += size, size = (size * 7) % 65_521)
      response.write(answer.subarray(at, at + size));
    response.end();
  });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  const upload = randomBytes(3_000_000);
  const response = await fetch(`${router.url}/v1/audio/transcriptions?x=%20y`, {
    method: 'POST',
    body: upload,
    headers: { 'content-type': 'application/octet-stream' },
  });
  expect(sha256(new Uint8Array(await response.arrayBuffer()))).toBe(sha256(answer));
  expect(seen).toEqual([sha256(upload)]);
  await eventually(() => expect(router.inFlight).toBe(0));
});

test('an event stream keeps its bytes, and each piece is sent on before the next one comes', async () => {
  const pieces = [
    'data: {"a"',
    ':1}\n',
    '\n',
    ': alive\r\n\r\n',
    'data: \u00fc\n\ndata: [DONE]\n\n',
  ];
  let sendNext = () => {};
  await using backend = await httpServer((_request, response) => {
    const left = [...pieces];
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    sendNext = () => {
      response.write(left.shift() ?? '');
      if (left.length === 0) response.end();
    };
    sendNext();
  });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  const response = await router.post('/v1/chat/completions', chatBody({ stream: true }));
  const received: string[] = [];
  const decoder = new TextDecoder();
  // Each piece leaves the backend only after the one before it has reached the client.
  for await (const bytes of response.body ?? []) {
    received.push(decoder.decode(bytes, { stream: true }));
    if (received.length < pieces.length) sendNext();
  }
  expect(received).toEqual(pieces);
});

test('a chunked request is sent on with its length', async () => {
  const heads: string[] = [];
  await using backend = await rawServer((socket, head) => {
    heads.push(head.toLowerCase());
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  client.send('POST /v1/files HTTP/1.1', 'Host: r', 'Transfer-Encoding: chunked', '', '');
  client.send('5', 'hello', '6', ' world', '0', '', '');
  await eventually(() => expect(client.text).toMatch(/ok$/));
  expect(heads[0]).toContain('content-length: 11');
  expect(heads[0]).not.toContain('transfer-encoding');
});

test('a client that waits for 100 Continue gets it, and the backend is not bothered', async () => {
  const heads: string[] = [];
  await using backend = await rawServer((socket, head) => {
    heads.push(head.toLowerCase());
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  client.send(
    'PUT /v1/files HTTP/1.1',
    'Host: r',
    'Content-Length: 3',
    'Expect: 100-continue',
    '',
    '',
  );
  await eventually(() => expect(client.text).toContain('HTTP/1.1 100 Continue'));
  client.send('abc');
  await eventually(() => expect(client.text).toMatch(/ok$/));
  expect(heads[0]).not.toContain('expect');
});

test.each([
  ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n', 200, 'content-length: 1234'],
  ['OPTIONS', 'HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n', 204, 'allow: get'],
  ['DELETE', 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n', 404, 'content-length: 0'],
  ['GET', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n', 304, 'etag: "x"'],
  ['GET', 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n', 204, ''],
])(
  '%s answered with %j has no body, and the connection goes on',
  async (method, answer, status, header) => {
    await using backend = await rawServer((socket) => socket.write(answer));
    await using router = await TestRouter.start({ backends: { a: backend.url } });
    using client = await RawClient.connect(router.url);
    for (let requests = 1; requests <= 2; requests++) {
      client.send(`${method} /v1/files/1 HTTP/1.1`, 'Host: r', '', '');
      await eventually(() => expect(router.records).toHaveLength(requests));
    }
    await eventually(() => expect(client.text.match(/HTTP\/1\.1 \d+/g)).toHaveLength(2));
    expect(client.text.match(/HTTP\/1\.1 \d+/g)).toEqual(Array(2).fill(`HTTP/1.1 ${status}`));
    expect(client.text.toLowerCase()).toContain(header);
    expect(client.text).toMatch(/\r\n\r\n$/);
    expect(router.inFlight).toBe(0);
  },
);

test('header bytes beyond ASCII come through as they are', async () => {
  const title = Buffer.from('X-Title: caf\u00e9 \u4e2d', 'utf8');
  await using backend = await rawServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    socket.write(title);
    socket.end('\r\nContent-Length: 2\r\n\r\nok');
  });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  client.send('GET /v1/files HTTP/1.1', 'Host: r', '', '');
  await eventually(() => expect(client.text).toMatch(/ok$/));
  expect(client.bytes.includes(title)).toBe(true);
});

test('a client of HTTP/1.0 gets an answer that ends with the connection', async () => {
  await using backend = await httpServer((_request, response) => {
    response.write('one ');
    response.end('two');
  });
  await using router = await TestRouter.start({ backends: { a: backend.url } });
  using client = await RawClient.connect(router.url);
  client.send('GET /v1/files HTTP/1.0', '', '');
  await client.closed;
  expect(client.text).toMatch(/\r\n\r\none two$/);
});

test('other endpoints: the model is found and replaced where it stands, and nowhere put in', async () => {
  const seen: string[] = [];
  await using backend = await httpServer(async (request, response) => {
    seen.push((await buffer(request)).toString());
    response.end();
  });
  await using router = await TestRouter.start({
    backends: { a: backend.url },
    backend: 'model: real',
  });
  const post = async (body: string | FormData, type?: string) => {
    const headers = new Headers(type === undefined ? [] : [['content-type', type]]);
    const response = await fetch(`${router.url}/v1/other`, { method: 'POST', body, headers });
    await response.text();
    return `${response.status} ${response.headers.get('x-switchyard-source')}`;
  };
  const json = 'application/json';
  expect(await post('{"content":"x"}', json)).toBe('200 default');
  expect(await post('[{"model":"real"}]', json)).toBe('200 default');
  expect(await post('{"model": "auto", "n": 1.0}', json)).toBe('200 default');
  expect(await post('{"model": "real"}', json)).toBe('200 explicit');
  expect(await post('{"model": "unknown"}', json)).toBe('404 null');
  expect(seen).toEqual([
    '{"content":"x"}',
    '[{"model":"real"}]',
    '{"model": "real", "n": 1.0}',
    '{"model": "real"}',
  ]);

  const form = new FormData();
  form.set('file', new Blob(['model: "auto"']), 'model');
  form.set('model', 'auto');
  form.set('language', 'en');
  expect(await post(form)).toBe('200 default');
  expect(seen.at(-1)).toMatch(/name="file"; filename="model"\r\n[\s\S]*\r\n\r\nmodel: "auto"\r\n/);
  expect(seen.at(-1)).toMatch(
    /name="model"\r\n\r\nreal\r\n--[\s\S]*name="language"\r\n\r\nen\r\n--/,
  );
  form.set('model', 'unknown');
  expect(await post(form)).toBe('404 null');
});
