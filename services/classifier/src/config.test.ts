import { resolve } from 'node:path';
import { ConfigError } from '@switchyard/service-kit';
import { expect, test } from 'vitest';
import { readConfig } from './config.js';

const problemsOf = (environment: Record<string, string>): readonly string[] => {
  try {
    readConfig(environment);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
};

test('has the defaults of the contract', () => {
  expect(readConfig({})).toMatchObject({
    host: '127.0.0.1',
    port: 9001,
    dataDir: resolve('data'),
    modelDir: resolve('.models'),
    model: 'all-MiniLM-L6-v2',
    allowRemoteModels: false,
    maxIntents: 1000,
    starterExemplars: true,
    adminToken: undefined,
    embeddingTokens: 128,
    logLevel: 'info',
  });
});

test('an empty variable counts as unset', () => {
  expect(readConfig({ CLASSIFIER_PORT: '', ADMIN_TOKEN: '', MAX_INTENTS: '' })).toEqual(
    readConfig({}),
  );
});

test('paths are relative to where the user stands; a model name is no path', () => {
  const environment = { INIT_CWD: '/home/user', DATA_DIR: 'd', MODEL_DIR: '../m' };
  expect(readConfig({ ...environment, MODEL: './mine' })).toMatchObject({
    dataDir: '/home/user/d',
    modelDir: '/home/m',
    model: '/home/user/mine',
  });
  expect(readConfig({ ...environment, MODEL: 'org/name' }).model).toBe('org/name');
});

test.each([
  [{ CLASSIFIER_PORT: 'abc' }, 'CLASSIFIER_PORT: must be a whole number, got "abc"'],
  [{ CLASSIFIER_PORT: '65536' }, 'CLASSIFIER_PORT: must be from 0 to 65535, got "65536"'],
  [{ CLASSIFIER_PORT: '80.5' }, 'CLASSIFIER_PORT: must be a whole number, got "80.5"'],
  [{ MAX_INTENTS: '0' }, 'MAX_INTENTS: must be from 1 to 100000, got "0"'],
  [{ MAX_INTENTS: '1e3' }, 'MAX_INTENTS: must be a whole number, got "1e3"'],
  [
    { STARTER_EXEMPLARS: 'yes' },
    'STARTER_EXEMPLARS: must be "on" or "off", "true" or "false", got "yes"',
  ],
  [
    { ALLOW_REMOTE_MODELS: 'TRUE' },
    'ALLOW_REMOTE_MODELS: must be "on" or "off", "true" or "false", got "TRUE"',
  ],
  [{ EMBEDDING_WORKERS: '0' }, 'EMBEDDING_WORKERS: must be from 1 to 64, got "0"'],
  [{ EMBEDDING_CACHE: '-1' }, 'EMBEDDING_CACHE: must be from 0 to 10000000, got "-1"'],
  [{ EMBEDDING_TOKENS: '513' }, 'EMBEDDING_TOKENS: must be from 8 to 512, got "513"'],
  [
    { REDIS_URL: 'http://127.0.0.1' },
    'REDIS_URL: must be redis://host:port or rediss://host:port, or several with commas',
  ],
  [{ ADMIN_TOKEN: 'with a space' }, 'ADMIN_TOKEN: must be ASCII characters without spaces'],
  [{ ADMIN_TOKEN: 'pässwörter' }, 'ADMIN_TOKEN: must be ASCII characters without spaces'],
])('%o', (environment, problem) => {
  expect(problemsOf(environment)).toEqual([problem]);
});

test('LOG_LEVEL names its choices', () => {
  expect(problemsOf({ LOG_LEVEL: 'loud' })).toEqual([
    expect.stringMatching(/^LOG_LEVEL: must be one of trace, .*, got "loud"$/),
  ]);
});

test('every wrong variable is a line of its own', () => {
  const problems = problemsOf({ CLASSIFIER_PORT: 'x', MAX_INTENTS: 'x', LOG_LEVEL: 'x' });
  expect(problems.map((problem) => problem.split(':')[0])).toEqual([
    'CLASSIFIER_PORT',
    'MAX_INTENTS',
    'LOG_LEVEL',
  ]);
});

test.each([
  { CLASSIFIER_HOST: '0.0.0.0' },
  { CLASSIFIER_HOST: '::' },
  { CLASSIFIER_HOST: '10.1.2.3' },
  { CLASSIFIER_HOST: '127.evil.example' },
  { CLASSIFIER_HOST: 'localhost.evil.example' },
])('an open admin interface is refused on $CLASSIFIER_HOST', (environment) => {
  expect(problemsOf(environment)).toEqual([expect.stringMatching(/^ADMIN_TOKEN: must be set/)]);
  expect(problemsOf({ ...environment, ADMIN_TOKEN: 'a-long-token' })).toEqual([]);
  expect(problemsOf({ ...environment, ALLOW_UNAUTHENTICATED_ADMIN: 'true' })).toEqual([]);
});

test.each(['127.0.0.1', '127.0.0.53', '::1', 'localhost'])('%s needs no token', (host) => {
  expect(problemsOf({ CLASSIFIER_HOST: host })).toEqual([]);
});
