import { ConfigError } from '@switchyard/service-kit';
import { describe, expect, test } from 'vitest';
import { readConfig } from './config.js';

const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('was accepted');
};

test('with nothing set, the defaults of the contract', () => {
  const config = readConfig({});
  expect(config).toMatchObject({
    host: '127.0.0.1',
    port: 9000,
    classifierUrl: 'http://127.0.0.1:9001',
    logLevel: 'info',
    apiKeys: undefined,
    adminToken: undefined,
  });
  expect(config.fleetPath).toMatch(/config\/demo\.yaml$/);
  expect(Object.isFrozen(config)).toBe(true);
});

describe('API_KEYS', () => {
  test.each<[string, [string, string][]]>([
    ['me:12345678', [['me', '12345678']]],
    [
      'me:12345678,you:abcdefgh',
      [
        ['me', '12345678'],
        ['you', 'abcdefgh'],
      ],
    ],
    [
      ' me:12345678 , you:abcdefgh ',
      [
        ['me', '12345678'],
        ['you', 'abcdefgh'],
      ],
    ],
    ['me:short', [['me', 'short']]],
    ['me:with:colons:in', [['me', 'with:colons:in']]],
  ])('%s', (given, keys) => {
    expect([...(readConfig({ API_KEYS: given }).apiKeys ?? [])]).toEqual(keys);
  });

  test.each([
    '12345678',
    ':12345678',
    'me:',
    'me:12345678,',
    'me:12345678,,you:abcdefgh',
    'me:with space',
    'me: 12345678',
    'me:schlüssel',
    'me:12345678,me:abcdefgh',
  ])('%j is refused, and not shown', (given) => {
    const problems = problemsOf({ API_KEYS: given });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^API_KEYS: must /);
    expect(problems[0]).not.toContain('got ');
  });
});

test.each<[Record<string, string>, RegExp]>([
  [{ ROUTER_PORT: 'http' }, /^ROUTER_PORT: must be a whole number, got "http"$/],
  [{ ROUTER_PORT: '65536' }, /^ROUTER_PORT: must be from 0 to 65535/],
  [{ CLASSIFIER_URL: 'localhost:9001' }, /^CLASSIFIER_URL: must be an http/],
  [{ MAX_BODY_BYTES: '12' }, /^MAX_BODY_BYTES: must be from 1024/],
  [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL: must be one of/],
  [{ ADMIN_TOKEN: 'two words' }, /^ADMIN_TOKEN: must be ASCII characters without spaces$/],
  [{ ALLOW_UNAUTHENTICATED_ADMIN: 'yes' }, /^ALLOW_UNAUTHENTICATED_ADMIN: must be/],
  [
    { SWITCHYARD_CONFIG: 'nowhere.yaml' },
    /^SWITCHYARD_CONFIG: cannot read \/.*nowhere\.yaml \(ENOENT\)$/,
  ],
])('%j is refused', (environment, problem) => {
  expect(problemsOf(environment)).toEqual([expect.stringMatching(problem)]);
});

test('every wrong variable is named', () => {
  const lines = problemsOf({ ROUTER_PORT: 'x', LOG_LEVEL: 'x' });
  expect(lines.map((line) => line.split(':')[0])).toEqual(['ROUTER_PORT', 'LOG_LEVEL']);
});

test('a relative path is relative to where the command was typed', () => {
  const [line] = problemsOf({ SWITCHYARD_CONFIG: 'my.yaml', INIT_CWD: '/somewhere/else' });
  expect(line).toContain('cannot read /somewhere/else/my.yaml');
});

describe('an admin interface that others can reach', () => {
  test.each<[Record<string, string>, boolean]>([
    [{ ROUTER_HOST: '127.0.0.1' }, true],
    [{ ROUTER_HOST: '127.1.2.3' }, true],
    [{ ROUTER_HOST: 'localhost' }, true],
    [{ ROUTER_HOST: '::1' }, true],
    [{ ROUTER_HOST: '0.0.0.0' }, false],
    [{ ROUTER_HOST: '::' }, false],
    [{ ROUTER_HOST: '10.0.0.1' }, false],
    [{ ROUTER_HOST: '127.0.0.1.example.org' }, false],
    [{ ROUTER_HOST: '0.0.0.0', API_KEYS: 'me:12345678' }, false],
    [{ ROUTER_HOST: '0.0.0.0', ADMIN_TOKEN: '12345678' }, true],
    [{ ROUTER_HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED_ADMIN: 'true' }, true],
    [{ ROUTER_HOST: '0.0.0.0', ALLOW_UNAUTHENTICATED_ADMIN: 'false' }, false],
  ])('%j: %s', (environment, accepted) => {
    if (accepted) expect(readConfig(environment).host).toBe(environment.ROUTER_HOST);
    else
      expect(problemsOf(environment)).toEqual([expect.stringMatching(/^ADMIN_TOKEN: must be set/)]);
  });
});
