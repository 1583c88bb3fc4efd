import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '@switchyard/service-kit';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { loadFleet, parseFleet } from './load-fleet.js';

type Environment = Record<string, string | undefined>;

const BASE = `pools:
  code: { backends: [{ name: a, url: "http://h:1" }] }
  chat: { backends: [{ name: a, url: "http://h:2" }] }
default: chat
`;

function fleet(source: string, environment: Environment = {}) {
  const problems: string[] = [];
  const parsed = parseFleet(source, environment, problems);
  if (!parsed) throw new Error(problems.join('\n'));
  return parsed;
}

function problemsOf(source: string, environment: Environment = {}): string[] {
  const problems: string[] = [];
  expect(parseFleet(source, environment, problems)).toBeUndefined();
  expect(problems.length).toBeGreaterThan(0);
  return problems;
}

/** The base with other settings for the first backend of "code". */
const backend = (settings: string) => BASE.replace('{ name: a, url: "http://h:1" }', settings);
const named = (settings: string) => backend(`{ name: a, url: "http://h:1", ${settings} }`);
const pool = (settings: string) =>
  BASE.replace('[{ name: a, url: "http://h:1" }]', `[{ name: a, url: "http://h:1" }], ${settings}`);

describe('each wrong field is named by its path', () => {
  const wrong: [source: string, problem: string][] = [
    ['', 'the file: '],
    ['[]', 'the file: '],
    ['text', 'the file: '],
    ['default: chat', 'pools: must map names to pools'],
    ['pools: {}\ndefault: chat', 'pools: must have at least one pool'],
    ['pools: []\ndefault: chat', 'pools: must map names to pools'],
    ['pools: { code: 7 }\ndefault: code', 'pools.code: '],
    [BASE.replace('default: chat', ''), 'default: must be a name'],
    [BASE.replace('default: chat', 'default: 7'), 'default: must be a name'],
    [
      BASE.replace('default: chat', 'default: nope'),
      'default: there is no pool "nope"; there are code, chat',
    ],
    [BASE.replace('code:', '_code:'), 'pools._code: must be 1 to 64 letters'],
    [BASE.replace('code:', '"co de":'), 'pools.co de: must be 1 to 64 letters'],
    [pool('policy: fastest'), 'pools.code.policy: must be one of round-robin'],
    [pool('policy: constructor'), 'pools.code.policy: must be one of round-robin'],
    [pool('fallback: nope'), 'pools.code.fallback: there is no pool "nope"'],
    [pool('fallback: code'), 'pools.code.fallback: leads back to "code"'],
    [pool('contextTokens: 0'), 'pools.code.contextTokens: '],
    [pool('images: "yes"'), 'pools.code.images: '],
    [pool('tools: 1'), 'pools.code.tools: '],
    [pool('weight: 1'), 'pools.code.weight: is not a known setting'],
    [
      BASE.replace('[{ name: a, url: "http://h:1" }]', '[]'),
      'pools.code.backends: must have at least one backend',
    ],
    [
      BASE.replace('[{ name: a, url: "http://h:1" }]', '{}'),
      'pools.code.backends: must be a list of backends',
    ],
    [backend('a'), 'pools.code.backends[0]: '],
    [backend('{ url: "http://h:1" }'), 'pools.code.backends[0].name: must be a name'],
    [
      backend('{ name: "a/b", url: "http://h:1" }'),
      'pools.code.backends[0].name: must be 1 to 64 letters',
    ],
    [backend('{ name: a }'), 'pools.code.backends[0].url: must be an http:// or https:// URL'],
    [backend('{ name: a, url: 8080 }'), 'pools.code.backends[0].url: must be an http'],
    [backend('{ name: a, url: "localhost:8080" }'), 'pools.code.backends[0].url: must be an http'],
    [backend('{ name: a, url: "ftp://h" }'), 'pools.code.backends[0].url: must be an http'],
    [backend('{ name: a, url: "http://" }'), 'pools.code.backends[0].url: must be an http'],
    [
      backend('{ name: a, url: "http://u:p@h" }'),
      'pools.code.backends[0].url: must have no query, fragment or credentials',
    ],
    [backend('{ name: a, url: "http://h/?x" }'), 'pools.code.backends[0].url: must have no query'],
    [named('weight: 0'), 'pools.code.backends[0].weight: '],
    [named('weight: .inf'), 'pools.code.backends[0].weight: '],
    [named('weight: "2"'), 'pools.code.backends[0].weight: must be a number'],
    [named('capacity: 0'), 'pools.code.backends[0].capacity: '],
    [named('capacity: 1.5'), 'pools.code.backends[0].capacity: must be a whole number'],
    [named('model: ""'), 'pools.code.backends[0].model: '],
    [named('apiKey: ""'), 'pools.code.backends[0].apiKey: '],
    [named('apiKey: "two words"'), 'pools.code.backends[0].apiKey: must be'],
    [named('apiKey: "line\\n"'), 'pools.code.backends[0].apiKey: must be'],
    [named('health: { path: health }'), 'pools.code.backends[0].health.path: must start with /'],
    [named('health: /up'), 'pools.code.backends[0].health: '],
    [named('wieght: 2'), 'pools.code.backends[0].wieght: is not a known setting'],
    [
      backend('{ name: a, url: "http://h" }, { name: a, url: "http://g" }'),
      'pools.code.backends[1].name: "a" is already in this pool',
    ],
    [`${BASE}routes: { x: nope }`, 'routes.x: there is no pool "nope"'],
    [`${BASE}routes: { "bad/name": code }`, 'routes.bad/name: must be 1 to 64 ASCII characters'],
    [`${BASE}routes: [code]`, 'routes: '],
    [`${BASE}embeddings: nope`, 'embeddings: there is no pool "nope"'],
    [
      `${BASE}keywords: [{ pattern: "(", intent: x }]`,
      'keywords[0].pattern: is not a valid RE2 pattern',
    ],
    [
      `${BASE}keywords: [{ pattern: "a(?=b)", intent: x }]`,
      'keywords[0].pattern: is not a valid RE2 pattern',
    ],
    [
      `${BASE}keywords: [{ pattern: "(a)\\\\1", intent: x }]`,
      'keywords[0].pattern: is not a valid RE2 pattern',
    ],
    [
      `${BASE}keywords: [{ maxWords: 3, intent: x }, { intent: x }]`,
      'keywords[1]: needs a pattern, maxWords or both',
    ],
    [`${BASE}keywords: [{ maxWords: 0, intent: x }]`, 'keywords[0].maxWords: '],
    [`${BASE}keywords: [{ maxWords: 3 }]`, 'keywords[0].intent: must be a string'],
    [`${BASE}prompt: { strip: ["ok", "["] }`, 'prompt.strip[1]: is not a valid RE2 pattern'],
    [`${BASE}classification: { timeoutMs: 0 }`, 'classification.timeoutMs: '],
    [`${BASE}classification: { cacheSize: -1 }`, 'classification.cacheSize: '],
    [
      `${BASE}timeouts: { readMs: soon }`,
      'timeouts.readMs: must be a whole number of milliseconds',
    ],
    [
      `${BASE}timeouts: { connectMs: 1.5 }`,
      'timeouts.connectMs: must be a whole number of milliseconds',
    ],
    [`${BASE}health: { intervalMs: 0 }`, 'health.intervalMs: '],
    [`${BASE}ejection: { failures: 0 }`, 'ejection.failures: '],
    [`${BASE}timeout: 5`, 'timeout: is not a known setting'],
    [`${BASE}pools: {}`, 'Map keys must be unique at line 5'],
    ['pools: {', 'Flow map in block collection must be sufficiently indented and end with a }'],
    ['a: b: c', 'Nested mappings are not allowed in compact mappings at line 1, column 4'],
    [`${BASE}---\nmore: 1`, 'Source contains multiple documents'],
    [
      'a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]',
      'Excessive alias count',
    ],
    ['&all\npools: *all\ndefault: x', 'the file: refers to itself'],
  ];

  test.each(wrong.map(([source, problem]) => ({ source, problem })))('$problem', (the) => {
    expect(problemsOf(the.source).join('\n')).toContain(the.problem);
  });

  test('all of them at once', () => {
    const source = named('weight: 0, capacity: 0').replace('default: chat', 'default: 7');
    expect(problemsOf(source).map((line) => line.split(':')[0])).toEqual([
      'pools.code.backends[0].weight',
      'pools.code.backends[0].capacity',
      'default',
    ]);
  });

  test('a fallback loop, at every pool on it', () => {
    const source = `pools:
  a: { backends: [{ name: x, url: "http://h" }], fallback: b }
  b: { backends: [{ name: x, url: "http://h" }], fallback: c }
  c: { backends: [{ name: x, url: "http://h" }], fallback: b }
default: a`;
    expect(problemsOf(source)).toEqual([
      'pools.b.fallback: leads back to "b"',
      'pools.c.fallback: leads back to "c"',
    ]);
  });
});

describe('what is left out', () => {
  test('has the defaults of the contract', () => {
    expect(fleet(BASE)).toMatchObject({
      default: 'chat',
      keywords: [],
      classification: { timeoutMs: 250, cacheSize: 10_000 },
      timeouts: { connectMs: 5000, readMs: 120_000 },
    });
    expect(fleet(BASE).pools.get('code')).toMatchObject({
      policy: 'round-robin',
      backends: [{ weight: 1, health: { path: '/health' } }],
    });
    expect(fleet(BASE).strip).toHaveLength(1);
    expect(fleet(`${BASE}prompt: { strip: [] }`).strip).toEqual([]);
  });
});

test.each([
  ['http://h:1/', 'http://h:1'],
  ['http://h:1/v1', 'http://h:1'],
  ['http://h:1/v1//', 'http://h:1'],
  ['https://h/openai/v1', 'https://h/openai'],
  ['http://[::1]:8080', 'http://[::1]:8080'],
])('the URL %s is %s', (url, base) => {
  const { pools } = fleet(backend(`{ name: a, url: "${url}" }`));
  expect(pools.get('code')?.backends[0]?.url).toBe(base);
});

test('names of Object.prototype are names like any other', () => {
  const source = `pools:
  constructor: { backends: [{ name: toString, url: "http://h" }], fallback: hasOwnProperty }
  hasOwnProperty: { backends: [{ name: valueOf, url: "http://h" }] }
routes: { constructor: constructor, valueOf: hasOwnProperty }
default: constructor`;
  const { pools, routes } = fleet(source);
  expect([...pools.keys()]).toEqual(['constructor', 'hasOwnProperty']);
  expect([...routes]).toEqual([
    ['constructor', 'constructor'],
    ['valueOf', 'hasOwnProperty'],
  ]);
  expect(problemsOf(`${BASE}routes: { x: toString }`)).toEqual([
    'routes.x: there is no pool "toString"; there are code, chat',
  ]);
  const odd = fleet(BASE.replace('pools:', 'pools:\n  __proto__: { fallback: code }'));
  expect([...odd.pools.keys()]).toEqual(['code', 'chat']);
  expect(odd.pools.get('chat')?.fallback).toBeUndefined();
});

describe('environment variables', () => {
  const urlOf = (url: string, environment: Environment) =>
    fleet(backend(`{ name: a, url: "${url}" }`), environment).pools.get('code')?.backends[0]?.url;

  test.each<[string, Environment, string]>([
    [`\${URL}`, { URL: 'http://x' }, 'http://x'],
    [`http://\${HOST}:\${PORT}`, { HOST: 'x', PORT: '81' }, 'http://x:81'],
    [`http://\${HOST:-y}`, {}, 'http://y'],
    [`http://\${HOST:-y}`, { HOST: 'x' }, 'http://x'],
    [`http://\${HOST:-y}`, { HOST: '' }, 'http://y'],
    [`http://x\${PATH_:-}`, {}, 'http://x'],
    [`\${A:-http://x:8080/a-b}`, {}, 'http://x:8080/a-b'],
    ['http://x/$5', {}, 'http://x/$5'],
    [`\${A}`, { A: `http://x/\${B}`, B: 'no' }, `http://x/\${B}`],
  ])('%s with %j', (url, environment, expected) => {
    expect(urlOf(url, environment)).toBe(expected);
  });

  test('one that is missing is a problem with its path', () => {
    const source = named(`apiKey: "\${CODER_KEY}", model: "\${MODEL}"`);
    expect(problemsOf(source, { MODEL: '' }).filter((line) => line.includes('not set'))).toEqual([
      'pools.code.backends[0].apiKey: the environment variable CODER_KEY is not set',
      'pools.code.backends[0].model: the environment variable MODEL is not set',
    ]);
  });

  test('a wrong value does not show up in the message: it may be a secret', () => {
    const source = named(`apiKey: "\${CODER_KEY}"`);
    const problems = problemsOf(source, { CODER_KEY: 'secret with spaces' });
    expect(problems.join()).not.toContain('secret with');
  });
});

describe('the file', () => {
  test.each(['demo', 'llama-cpp'])('config/%s.yaml, as shipped, is right', (name) => {
    const path = fileURLToPath(new URL(`../../../../config/${name}.yaml`, import.meta.url));
    const { pools, routes } = loadFleet(path, {}).fleet;
    expect([...pools.keys()]).toEqual(expect.arrayContaining(['code', 'chat', 'fast']));
    expect(routes.get('code generation')).toBe('code');
  });

  test('each problem begins with its path', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'my fleet.yaml');
    await writeFile(path, named('weight: 0, capacity: 0'));
    const error = problem(() => loadFleet(path, {}));
    expect(error.problems).toHaveLength(2);
    for (const line of error.problems) expect(line.startsWith(`${path}: pools.code.`)).toBe(true);
  });

  test.each([
    ['nowhere.yaml', 'ENOENT'],
    ['', 'EISDIR'],
  ])('that cannot be read is a problem of the variable', async (name, code) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, name);
    expect(problem(() => loadFleet(path, {})).problems).toEqual([
      `SWITCHYARD_CONFIG: cannot read ${path} (${code})`,
    ]);
  });
});

function problem(act: () => unknown): ConfigError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('was accepted');
}
