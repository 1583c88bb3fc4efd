import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { call, classify, failedStart } from '../support/classifier-client.js';
import { startClassifier } from '../support/services.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const TOKEN = 'a-secret-of-some-length';
const guarded = [
  ['PUT', '/v1/intents/a', { description: 'changed' }],
  ['POST', '/v1/intents/a/exemplars', { texts: ['new text'] }],
  ['DELETE', '/v1/intents/a/exemplars/some-id', undefined],
  ['DELETE', '/v1/intents/a', undefined],
  ['POST', '/v1/import', '{"intent":"a","text":"imported"}\n'],
  ['GET', '/v1/export', undefined],
] as const;
const open = [
  ['POST', '/v1/classify', { text: 'hi' }],
  ['POST', '/v1/embeddings', { input: 'hi' }],
  ['GET', '/v1/models', undefined],
  ['GET', '/v1/intents', undefined],
  ['GET', '/v1/intents/a/exemplars', undefined],
  ['GET', '/health', undefined],
  ['GET', '/ready', undefined],
  ['GET', '/metrics', undefined],
] as const;

test('changes and the export need the token, reads do not', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, {
    ADMIN_TOKEN: TOKEN,
    STARTER_EXEMPLARS: 'off',
  });
  const bearer = { authorization: `Bearer ${TOKEN}` };
  expect((await call(service, 'PUT', '/v1/intents/a', {}, bearer)).status).toBe(200);
  const version = (await classify(service, 'hi')).indexVersion;

  const wrong = ['', 'Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`];
  for (const [method, path, body] of guarded)
    for (const authorization of wrong) {
      const headers: Record<string, string> = authorization ? { authorization } : {};
      const answer = await call(service, method, path, body, headers);
      expect([method, path, authorization, answer.status]).toEqual([
        method,
        path,
        authorization,
        401,
      ]);
      expect(answer.body.error).toMatchObject({
        code: 'invalid_api_key',
        type: 'authentication_error',
      });
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  expect((await classify(service, 'hi')).indexVersion).toBe(version);

  for (const [method, path, body] of open)
    expect((await call(service, method, path, body)).status).toBe(200);

  const statuses: number[] = [];
  for (const [method, path, body] of guarded)
    statuses.push((await call(service, method, path, body, bearer)).status);
  expect(statuses).toEqual([200, 201, 404, 204, 202, 200]);
});

test('without a token, everybody on this machine may', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'off' });
  expect((await call(service, 'PUT', '/v1/intents/a', {})).status).toBe(200);
  expect((await call(service, 'GET', '/v1/export')).status).toBe(200);
  const fromPage = (site: string) =>
    fetch(`${service.url}/v1/intents/b`, {
      method: 'PUT',
      body: '{}',
      headers: { 'sec-fetch-site': site },
    });
  expect((await fromPage('cross-site')).status).toBe(403);
  expect((await fromPage('same-origin')).status).toBe(200);
});

test('without a token, a page that gives this machine a name of its own may change nothing', async () => {
  await using directory = await temporaryDirectory();
  await using service = await startClassifier(directory.path, { STARTER_EXEMPLARS: 'off' });
  const statusOf = (method: string, headers: Record<string, string>, path = '/v1/intents/a') =>
    new Promise<number>((resolve, reject) => {
      request(service.url + path, { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .once('error', reject)
        .end();
    });
  const rebound = 'evil.example:9001';
  expect(await statusOf('PUT', { host: rebound, origin: `http://${rebound}` })).toBe(403);
  expect(await statusOf('DELETE', { host: rebound })).toBe(403);
  expect(await statusOf('GET', { host: rebound }, '/v1/export')).toBe(403);
  expect(await statusOf('PUT', { origin: 'null' })).toBe(403);
  expect(await statusOf('PUT', { origin: 'http://evil.example' })).toBe(403);
  for (const host of ['localhost:9001', '127.0.0.1', '[::1]:9001', 'classifier:9001'])
    expect(await statusOf('PUT', { host })).toBe(200);
});

describe('on an address that others can reach', () => {
  test('a start without a token is refused, naming the variable', async () => {
    await using directory = await temporaryDirectory();
    const { exit, stderr } = await failedStart({
      DATA_DIR: directory.path,
      CLASSIFIER_HOST: '0.0.0.0',
    });
    expect(exit).toBe(78);
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringMatching(/^ADMIN_TOKEN: must be set because CLASSIFIER_HOST is 0\.0\.0\.0/),
    ]);
  });

  test.each([{ ADMIN_TOKEN: TOKEN }, { ALLOW_UNAUTHENTICATED_ADMIN: 'true' }])(
    '%o allows it',
    async (env) => {
      await using directory = await temporaryDirectory();
      await using service = await startClassifier(directory.path, {
        CLASSIFIER_HOST: '0.0.0.0',
        STARTER_EXEMPLARS: 'off',
        ...env,
      });
      const { status } = await call(service, 'PUT', '/v1/intents/a', {});
      expect(status).toBe('ADMIN_TOKEN' in env ? 401 : 200);
    },
  );
});
