import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet } from '../support/fleet.js';
import { ServiceProcess } from '../support/service-process.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let fleet: Fleet;

beforeAll(async () => {
  fleet = await Fleet.start({
    pools: { main: ['a'] },
    env: { MAX_BODY_BYTES: '100000', ADMIN_TOKEN: 'admin-secret', API_KEYS: 'one:key-of-one' },
  });
});

afterAll(() => fleet?.[Symbol.asyncDispose]());

const user = [{ role: 'user', content: 'x' }];
const big = 'x'.repeat(200_000);

interface Row {
  what: string;
  method?: string;
  path?: string;
  body?: unknown;
  headers?: Record<string, string>;
  status: number;
  code: string;
  param?: string | null;
}

const rows: Row[] = [
  { what: 'not JSON', body: '{"messages": [', status: 400, code: 'invalid_json' },
  { what: 'nothing', body: '', status: 400, code: 'invalid_json' },
  { what: 'a list', body: '[]', status: 400, code: 'invalid_request' },
  { what: 'null', body: 'null', status: 400, code: 'invalid_request' },
  { what: 'no messages', body: {}, status: 400, code: 'invalid_request', param: 'messages' },
  {
    what: 'empty messages',
    body: { messages: [] },
    status: 400,
    code: 'invalid_request',
    param: 'messages',
  },
  {
    what: 'messages of text',
    body: { messages: ['hi'] },
    status: 400,
    code: 'invalid_request',
    param: 'messages[0]',
  },
  {
    what: 'a model that is a number',
    body: { model: 7, messages: user },
    status: 400,
    code: 'invalid_request',
    param: 'model',
  },
  {
    what: 'an unknown model',
    body: { model: 'nope', messages: user },
    status: 404,
    code: 'model_not_found',
    param: 'model',
  },
  {
    what: 'an unknown pool',
    body: { model: 'pool:constructor', messages: user },
    status: 404,
    code: 'model_not_found',
    param: 'model',
  },
  {
    what: 'a completion without a prompt',
    path: '/v1/completions',
    body: {},
    status: 400,
    code: 'invalid_request',
    param: 'prompt',
  },
  {
    what: 'embeddings without input',
    path: '/v1/embeddings',
    body: {},
    status: 400,
    code: 'invalid_request',
    param: 'input',
  },
  { what: 'too large', body: { messages: user, big }, status: 413, code: 'request_too_large' },
  {
    what: 'compressed',
    body: { messages: user },
    headers: { 'content-encoding': 'gzip' },
    status: 400,
    code: 'invalid_request',
  },
  { what: 'GET', method: 'GET', status: 405, code: 'method_not_allowed' },
  { what: 'an unknown path', path: '/nope', body: {}, status: 404, code: 'not_found' },
  { what: '/route of nothing', path: '/route', body: {}, status: 400, code: 'invalid_request' },
  {
    what: '/route of a number',
    path: '/route',
    body: { prompt: 5 },
    status: 400,
    code: 'invalid_request',
    param: 'prompt',
  },
  { what: '/route by GET', method: 'GET', path: '/route', status: 405, code: 'method_not_allowed' },
];

test.each(rows)('$what: $status $code', async (row) => {
  const { method = 'POST', path = '/v1/chat/completions', body, headers, status } = row;
  const response = await fetch(fleet.url + path, {
    method,
    ...(method === 'POST' && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: { authorization: 'Bearer key-of-one', ...headers },
  });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toMatch(/^application\/json/);
  const { error } = (await response.json()) as { error: Record<string, unknown> };
  expect(error).toMatchObject({ code: row.code, type: 'invalid_request_error' });
  expect(error.message).toEqual(expect.any(String));
  if (row.param) expect(error.param).toBe(row.param);
  expect((await fetch(`${fleet.url}/health`)).status).toBe(200);
});

test('a body too large is refused while it is still being sent, and the answer arrives', async () => {
  const endless = new ReadableStream({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode('x'.repeat(10_000)));
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
  });
  const response = await fetch(`${fleet.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: 'Bearer key-of-one' },
    body: endless,
    duplex: 'half',
  } as RequestInit);
  expect(response.status).toBe(413);
});

describe('keys', () => {
  const paths = ['/v1/models', '/status', '/v1/chat/completions', '/route', '/v1/anything'];
  const method = (path: string) => (/models|status/.test(path) ? 'GET' : 'POST');
  const ask = (path: string, key?: string) =>
    fetch(fleet.url + path, {
      method: method(path),
      ...(method(path) === 'POST' && { body: JSON.stringify({ prompt: 'x', messages: user }) }),
      headers: key === undefined ? {} : { authorization: key },
    });

  test.each(paths)('%s needs one, of a client or of the admin', async (path) => {
    for (const wrong of [undefined, 'Bearer nope', 'Bearer key-of-on', 'key-of-one', 'Basic a2V5'])
      expect((await ask(path, wrong)).status).toBe(401);
    for (const right of ['Bearer key-of-one', 'bearer key-of-one', 'Bearer admin-secret'])
      expect((await ask(path, right)).status).toBe(200);
  });

  test.each(['/health', '/ready', '/metrics'])('%s needs none', async (path) => {
    expect((await fetch(fleet.url + path)).status).toBe(200);
  });

  test('draining a backend needs the admin token, and works', async () => {
    const patch = (token: string, body: unknown, backend = 'a') =>
      fetch(`${fleet.url}/admin/pools/main/backends/${backend}`, {
        method: 'PATCH',
        body: JSON.stringify(body),
        headers: { authorization: `Bearer ${token}` },
      });
    expect((await patch('key-of-one', { state: 'draining' })).status).toBe(401);
    expect((await patch('admin-secret', { state: 'asleep' })).status).toBe(400);
    expect((await patch('admin-secret', {})).status).toBe(400);
    expect((await patch('admin-secret', { state: 'draining' }, 'b')).status).toBe(404);
    expect((await patch('admin-secret', { state: 'draining' })).status).toBe(200);
    const body = JSON.stringify({ messages: user });
    const headers = { authorization: 'Bearer key-of-one' };
    const ask = () => fetch(`${fleet.url}/v1/chat/completions`, { method: 'POST', body, headers });
    expect((await ask()).status).toBe(503);
    expect((await patch('admin-secret', { state: 'active', weight: 3 })).status).toBe(200);
    expect((await ask()).status).toBe(200);
  });

  test('no secret shows up in the log, the status or the metrics', async () => {
    const status = await (await ask('/status', 'Bearer admin-secret')).text();
    const metrics = await (await fetch(`${fleet.url}/metrics`)).text();
    for (const shown of [status, metrics, JSON.stringify(fleet.router.log)])
      for (const secret of ['admin-secret', 'key-of-one']) expect(shown).not.toContain(secret);
  });
});

describe('a start that cannot work ends with 78 and one line per problem', () => {
  const yaml = 'pools: { a: { backends: [{ name: x, url: "http://127.0.0.1:1" }] } }\ndefault: a\n';

  const starts: { what: string; yaml?: string; env?: Record<string, string>; says: RegExp[] }[] = [
    {
      what: 'no file',
      env: { SWITCHYARD_CONFIG: '/no/such.yaml' },
      says: [/^SWITCHYARD_CONFIG: /],
    },
    {
      what: 'two wrong variables',
      env: { ROUTER_PORT: 'abc', LOG_LEVEL: 'loud' },
      says: [/^ROUTER_PORT: must be a whole number, got "abc"$/, /^LOG_LEVEL: must be one of/],
    },
    {
      what: 'reachable by others without an admin token',
      env: { ROUTER_HOST: '0.0.0.0' },
      says: [/^ADMIN_TOKEN: must be set because ROUTER_HOST is 0\.0\.0\.0/],
    },
    { what: 'keys without names', env: { API_KEYS: 'abc' }, says: [/^API_KEYS: must be a comma/] },
    {
      what: 'an unknown policy and an unknown pool',
      yaml: yaml
        .replace('{ backends', '{ policy: fastest, backends')
        .replace('default: a', 'default: b'),
      says: [/pools\.a\.policy: must be one of round-robin/],
    },
    {
      what: 'a default that is not there',
      yaml: yaml.replace(/a\n$/, 'b\n'),
      says: [/default: there is no pool "b"/],
    },
    { what: 'broken YAML', yaml: 'pools: {', says: [/line 1/] },
    {
      what: 'a look-ahead, which RE2 has not',
      yaml: `${yaml}keywords: [{ pattern: "(?=x)", intent: y }]\n`,
      says: [/keywords\[0\]\.pattern: is not a valid RE2 pattern/],
    },
    {
      what: 'a variable that is not set',
      yaml: yaml.replace('name: x', `name: x, apiKey: "$${'{NOT_SET_ANYWHERE}'}"`),
      says: [
        /pools\.a\.backends\[0\]\.apiKey: the environment variable NOT_SET_ANYWHERE is not set/,
      ],
    },
  ];

  test.concurrent.each(starts)('$what', async ({ yaml: file = yaml, env, says }) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'fleet.yaml');
    await writeFile(path, file);
    await using router = ServiceProcess.spawn({
      entry: 'services/router/dist/server.js',
      env: { ROUTER_PORT: '0', SWITCHYARD_CONFIG: path, ...env },
    });
    expect(await router.exit()).toBe(78);
    const lines = router.stderr.trim().split('\n');
    expect(lines).toHaveLength(says.length);
    for (const line of says)
      expect(lines).toEqual(expect.arrayContaining([expect.stringMatching(line)]));
  });

  test('a port that is taken', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'fleet.yaml');
    await writeFile(path, yaml);
    await using router = ServiceProcess.spawn({
      entry: 'services/router/dist/server.js',
      env: { ROUTER_PORT: new URL(fleet.url).port, SWITCHYARD_CONFIG: path },
    });
    expect(await router.exit()).toBe(78);
    expect(router.stderr).toMatch(/^ROUTER_PORT: port \d+ on 127\.0\.0\.1 is in use/);
  });
});
