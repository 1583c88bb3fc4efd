import { once } from 'node:events';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { call, classify, metric, trained } from '../support/classifier-client.js';
import { eventually } from '../support/eventually.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

type Headers = Record<string, string>;

/** A classify call as most clients send it, or in pieces of unknown length, which Express serves. */
async function send(url: string, body: string | Buffer, inPieces: boolean, headers: Headers = {}) {
  const outgoing = request(`${url}/v1/classify`, { method: 'POST', headers });
  if (inPieces) outgoing.flushHeaders();
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  const { date, ...shown } = response.headers;
  return { status: response.statusCode, headers: shown, body: JSON.parse(text) };
}

test('whoever serves a call, with or without Express, the answer is the same', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path);
  const bodies: (string | Buffer)[] = [
    '{"text": "fix this bug", "explain": true}',
    '{"texts": ["fix this bug", "日本語の文章です"]}',
    Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from('{"text": "with a mark"}')]),
    Buffer.concat([
      Buffer.from('{"text": "not UTF-8: '),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]),
    '{"text": ',
    'no JSON',
    '"a string"',
    '[]',
    'null',
    '{}',
    '{"text": ""}',
    '{"text": 7}',
    '{"text": "a", "texts": ["b"]}',
    '{"text": "a", "k": 1000}',
    '{"text": "a", "unknown": true}',
    `{"text": "${'x'.repeat(9000)}"}`,
  ];
  for (const body of bodies) {
    const [direct, express] = await Promise.all([
      send(service.url, body, false),
      send(service.url, body, true),
    ]);
    expect(direct).toEqual(express);
  }
  const charset = { 'content-type': 'application/json; charset=utf-16le' };
  const utf16 = Buffer.from('{"text": "fix this bug"}', 'utf16le');
  expect(await send(service.url, utf16, false, charset)).toMatchObject({ status: 200 });
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([]);
  await eventually(async () => {
    const { body: metrics } = await call(service, 'GET', '/metrics');
    expect(metrics).toMatch(
      /_duration_seconds_count\{method="POST",route="\/v1\/classify",status="200"\} 9\n/,
    );
  });
});

test('a client that leaves in the middle of its request is no error', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path);
  const outgoing = request(`${service.url}/v1/classify`, {
    method: 'POST',
    headers: { 'content-length': '100' },
  }).on('error', () => undefined);
  outgoing.write('{"text": "half');
  await new Promise((resolve) => setTimeout(resolve, 100));
  outgoing.destroy();
  await classify(service, 'still there');
  expect(service.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
});

test('a prompt that is repeated is embedded once; with EMBEDDING_CACHE=0 every time', async () => {
  await using directory = await temporaryDirectory();
  for (const [EMBEDDING_CACHE, times] of [
    [undefined, 1],
    ['0', 3],
  ] as const) {
    await using service = await startClassifier(directory.path, { EMBEDDING_CACHE });
    // Training embeds the names of intents, and changes the answers.
    await trained(service);
    const before = await metric(service, 'switchyard_embeddings_total');
    const answers = [];
    for (let n = 0; n < 3; n++) answers.push(await classify(service, 'How do I sort a list?'));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    expect((await metric(service, 'switchyard_embeddings_total')) - before).toBe(times);
  }
});
