import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, classify, trained } from '../support/classifier-client.js';
import type { ServiceProcess } from '../support/service-process.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let service: ServiceProcess;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'off' });
  await call(service, 'POST', '/v1/intents/known/exemplars', { texts: ['a known text'] });
  await trained(service);
});
afterAll(async () => {
  // Whatever came in: alive, unchanged, and nothing was logged as unexpected.
  expect((await classify(service, 'a known text')).indexVersion).toBe(2);
  expect(service.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  await service[Symbol.asyncDispose]();
  await directory[Symbol.asyncDispose]();
});

type Row = [
  method: string,
  path: string,
  body: unknown,
  status: number,
  code: string,
  param: string | null,
];
const CLASSIFY = '/v1/classify';
const ADD = '/v1/intents/known/exemplars';
const MANY = Array.from({ length: 65 }, () => 'text');

const rows: Row[] = [
  ['POST', CLASSIFY, '{"text": "a"', 400, 'invalid_json', null],
  ['POST', CLASSIFY, 'text', 400, 'invalid_json', null],
  ['POST', CLASSIFY, "{'text': 'a'}", 400, 'invalid_json', null],
  ['POST', CLASSIFY, '{"text": "\u0007"}', 400, 'invalid_json', null],
  ['POST', CLASSIFY, '', 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, undefined, 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, 'null', 400, 'invalid_request', null],
  ['POST', CLASSIFY, '"text"', 400, 'invalid_request', null],
  ['POST', CLASSIFY, [], 400, 'invalid_request', null],
  ['POST', CLASSIFY, {}, 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, { text: 'a', texts: ['a'] }, 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, { text: 5 }, 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, { text: null }, 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, { text: ['a'] }, 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, { text: '' }, 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, { text: ' \n\t ' }, 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, { text: 'x'.repeat(8193) }, 400, 'invalid_request', 'text'],
  ['POST', CLASSIFY, { texts: [] }, 400, 'invalid_request', 'texts'],
  ['POST', CLASSIFY, { texts: MANY }, 400, 'invalid_request', 'texts'],
  ['POST', CLASSIFY, { texts: ['a', ''] }, 400, 'invalid_request', 'texts[1]'],
  ['POST', CLASSIFY, { texts: 'a' }, 400, 'invalid_request', 'texts'],
  ['POST', CLASSIFY, { text: 'a', k: 0 }, 400, 'invalid_request', 'k'],
  ['POST', CLASSIFY, { text: 'a', k: 101 }, 400, 'invalid_request', 'k'],
  ['POST', CLASSIFY, { text: 'a', k: '5' }, 400, 'invalid_request', 'k'],
  ['POST', CLASSIFY, { text: 'a', explain: 1 }, 400, 'invalid_request', 'explain'],
  ['POST', CLASSIFY, { text: 'a', txet: 'b' }, 400, 'invalid_request', 'txet'],
  ['POST', CLASSIFY, '{"text":"a","__proto__":{"k":1}}', 400, 'invalid_request', '__proto__'],
  ['POST', CLASSIFY, '['.repeat(200_000), 400, 'invalid_json', null],

  ['PUT', '/v1/intents/-bad', {}, 400, 'invalid_request', 'name'],
  ['PUT', `/v1/intents/${'x'.repeat(65)}`, {}, 400, 'invalid_request', 'name'],
  ['PUT', '/v1/intents/%C3%A4', {}, 400, 'invalid_request', 'name'],
  ['PUT', '/v1/intents/a%2Fb', {}, 400, 'invalid_request', 'name'],
  ['PUT', '/v1/intents/%E0%A4%A', {}, 400, 'invalid_request', null],
  ['PUT', '/v1/intents/known', { threshold: 'high' }, 400, 'invalid_request', 'threshold'],
  ['PUT', '/v1/intents/known', '{"threshold":1e999}', 400, 'invalid_request', 'threshold'],
  ['PUT', '/v1/intents/known', { description: 5 }, 400, 'invalid_request', 'description'],
  ['PUT', '/v1/intents/known', { treshold: 1 }, 400, 'invalid_request', 'treshold'],
  ['PUT', '/v1/intents/known', [], 400, 'invalid_request', null],
  ['DELETE', '/v1/intents/unknown', undefined, 404, 'intent_not_found', 'name'],

  ['POST', ADD, {}, 400, 'invalid_request', 'texts'],
  ['POST', ADD, { texts: 'a' }, 400, 'invalid_request', 'texts'],
  ['POST', ADD, { texts: [] }, 400, 'invalid_request', 'texts'],
  ['POST', ADD, { texts: ['ok', 5] }, 400, 'invalid_request', 'texts[1]'],
  ['POST', ADD, { texts: ['ok', '  '] }, 400, 'invalid_request', 'texts[1]'],
  ['POST', ADD, { texts: ['x'.repeat(8193)] }, 400, 'invalid_request', 'texts[0]'],
  ['POST', ADD, { texts: Array(10_001).fill('x') }, 400, 'invalid_request', 'texts'],
  ['POST', ADD, { texts: ['ok'], onConflict: 'steal' }, 400, 'invalid_request', 'onConflict'],
  ['POST', '/v1/intents/ bad/exemplars', { texts: ['ok'] }, 400, 'invalid_request', 'name'],
  ['GET', '/v1/intents/unknown/exemplars', undefined, 404, 'intent_not_found', 'name'],
  ['GET', `${ADD}?limit=0`, undefined, 400, 'invalid_request', 'limit'],
  ['GET', `${ADD}?limit=1001`, undefined, 400, 'invalid_request', 'limit'],
  ['GET', `${ADD}?limit=ten`, undefined, 400, 'invalid_request', 'limit'],
  ['GET', `${ADD}?limit=1.5`, undefined, 400, 'invalid_request', 'limit'],
  ['GET', `${ADD}?limit=1&limit=2`, undefined, 400, 'invalid_request', 'limit'],
  ['GET', `${ADD}?cursor=x`, undefined, 400, 'invalid_request', 'cursor'],
  ['GET', `${ADD}?cursor=1&cursor=2`, undefined, 400, 'invalid_request', 'cursor'],
  ['GET', `${ADD}?page=2`, undefined, 400, 'invalid_request', 'page'],
  ['DELETE', `${ADD}/unknown`, undefined, 404, 'exemplar_not_found', 'id'],
  ['DELETE', '/v1/intents/unknown/exemplars/x', undefined, 404, 'intent_not_found', 'name'],

  ['POST', '/v1/import?onConflict=steal', '', 400, 'invalid_request', 'onConflict'],
  ['POST', '/v1/import?onconflict=move', '', 400, 'invalid_request', 'onconflict'],
  ['GET', '/v1/jobs/unknown', undefined, 404, 'job_not_found', 'id'],
  ['GET', '/v1/jobs/unknown/events', undefined, 404, 'job_not_found', 'id'],
  ['GET', '/v1/jobs/..%2F..%2Fetc%2Fpasswd', undefined, 404, 'job_not_found', 'id'],

  ['POST', '/v1/embeddings', {}, 400, 'invalid_request', 'input'],
  ['POST', '/v1/embeddings', { input: '' }, 400, 'invalid_request', 'input'],
  ['POST', '/v1/embeddings', { input: [] }, 400, 'invalid_request', 'input'],
  ['POST', '/v1/embeddings', { input: [1, 2] }, 400, 'invalid_request', 'input'],
  ['POST', '/v1/embeddings', { input: Array(257).fill('a') }, 400, 'invalid_request', 'input'],
  ['POST', '/v1/embeddings', { input: 'a', model: 'x' }, 404, 'model_not_found', 'model'],
  [
    'POST',
    '/v1/embeddings',
    { input: 'a', encoding_format: 'hex' },
    400,
    'invalid_request',
    'encoding_format',
  ],
  ['POST', '/v1/embeddings', { input: 'a', dimensions: 100 }, 400, 'invalid_request', 'dimensions'],

  ['GET', '/', undefined, 404, 'not_found', null],
  ['GET', '/v1', undefined, 404, 'not_found', null],
  ['POST', '/v1/classify/more', { text: 'a' }, 404, 'not_found', null],
  ['GET', '/v1/jobs', undefined, 404, 'not_found', null],
  ['POST', CLASSIFY, { text: 'x'.repeat(33 * 1024 ** 2) }, 413, 'request_too_large', null],
  ['PUT', '/v1/settings', { alpha: -0.1 }, 400, 'invalid_request', 'alpha'],
  ['PUT', '/v1/settings', { alpha: 1.1 }, 400, 'invalid_request', 'alpha'],
  ['PUT', '/v1/settings', { alpha: '0.1' }, 400, 'invalid_request', 'alpha'],
  ['PUT', '/v1/settings', { alhpa: 0.1 }, 400, 'invalid_request', 'alhpa'],
  ['POST', '/v1/settings', {}, 405, 'method_not_allowed', null],
  ['DELETE', '/v1/quality', undefined, 405, 'method_not_allowed', null],
  ['GET', '/v1/evaluate', undefined, 405, 'method_not_allowed', null],
  ['POST', '/v1/evaluate', {}, 400, 'invalid_request', 'examples'],
  ['POST', '/v1/evaluate', { examples: [] }, 400, 'invalid_request', 'examples'],
  [
    'POST',
    '/v1/evaluate',
    { examples: [{ text: 'a', intent: null }, { text: 'a' }] },
    400,
    'invalid_request',
    'examples[1].intent',
  ],
  [
    'POST',
    '/v1/evaluate',
    { examples: [{ text: '', intent: 'a' }] },
    400,
    'invalid_request',
    'examples[0].text',
  ],
];

const shown = rows.map((row) => {
  const [method, path, body, status, code] = row;
  const text = typeof body === 'string' ? body : (JSON.stringify(body) ?? 'no body');
  const title = `${method} ${path.slice(0, 60)} ${text.slice(0, 60)}: ${status} ${code}`;
  return [title, ...row] as const;
});

test.each(shown)('%s', async (_title, method, path, body, status, code, param) => {
  const answer = await call(service, method, path, body);
  expect(answer.body.error).toEqual({
    code,
    param,
    type: 'invalid_request_error',
    message: expect.stringMatching(/^[^\n]{5,300}$/),
  });
  expect(answer.status).toBe(status);
  if (param !== null && code === 'invalid_request')
    expect(answer.body.error.message.startsWith(`${param}: `)).toBe(true);
});

describe('a known path with another method is 405 and names the right ones', () => {
  test.each([
    ['GET', CLASSIFY, 'POST'],
    ['DELETE', '/v1/intents', 'GET'],
    ['GET', '/v1/intents/known', 'PUT, DELETE'],
    ['PATCH', ADD, 'GET, POST'],
    ['GET', `${ADD}/some-id`, 'DELETE'],
    ['GET', '/v1/import', 'POST'],
    ['POST', '/v1/export', 'GET'],
    ['DELETE', '/v1/jobs/some-id', 'GET'],
    ['POST', '/v1/jobs/some-id/events', 'GET'],
    ['POST', '/v1/changes', 'GET'],
    ['GET', '/v1/embeddings', 'POST'],
    ['POST', '/v1/models', 'GET'],
    ['POST', '/health', 'GET'],
    ['PUT', '/ready', 'GET'],
    ['POST', '/metrics', 'GET'],
  ])('%s %s', async (method, path, allow) => {
    const answer = await call(service, method, path);
    expect(answer).toMatchObject({ status: 405, body: { error: { code: 'method_not_allowed' } } });
    expect(answer.headers.get('allow')).toBe(allow);
  });
});

describe('how a body is sent', () => {
  const text = JSON.stringify({ text: 'a known text' });

  test.each(['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'nonsense'])(
    'JSON is taken for JSON under content-type %s',
    async (type) => {
      const answer = await call(service, 'POST', CLASSIFY, text, { 'content-type': type });
      expect(answer.status).toBe(200);
    },
  );

  test('compressed JSON is read, a compressed import is refused', async () => {
    const send = (path: string, body: string) =>
      fetch(service.url + path, {
        method: 'POST',
        headers: { 'content-encoding': 'gzip' },
        body: gzipSync(body),
      });
    expect((await send(CLASSIFY, text)).status).toBe(200);
    // 40 MB that arrive as 40 KB.
    expect((await send(CLASSIFY, JSON.stringify({ text: 'x'.repeat(4e7) }))).status).toBe(413);
    const refused = await send('/v1/import', '{"intent":"known","text":"b"}\n');
    expect(refused.status).toBe(415);
    expect(await refused.json()).toMatchObject({ error: { code: 'unsupported_encoding' } });
  });

  test.each([
    ['content-encoding', 'zstd-of-tomorrow'],
    ['content-type', 'application/json; charset=klingon'],
  ])('%s: %s is 415', async (name, value) => {
    const answer = await call(service, 'POST', CLASSIFY, text, { [name]: value });
    expect(answer).toMatchObject({ status: 415, body: { error: { code: 'invalid_request' } } });
  });
});
