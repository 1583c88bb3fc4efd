import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError } from './config-error.js';
import { parseEnvironment, userPath, variable } from './environment.js';

const parse = (schema: z.ZodType, value: string | undefined) =>
  parseEnvironment(z.object({ NAME: schema }), { NAME: value }).NAME;
const problem = (schema: z.ZodType, value: string, name = 'NAME') => {
  try {
    parseEnvironment(z.object({ [name]: schema }), { [name]: value });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
  }
  throw new Error('nothing was wrong with it');
};

const integer = variable.integer(7, { min: -1, max: 10 });

test.each([
  { schema: integer, value: undefined, parsed: 7 },
  { schema: integer, value: '', parsed: 7 },
  { schema: integer, value: '-1', parsed: -1 },
  { schema: integer, value: '10', parsed: 10 },
  { schema: variable.flag(false), value: 'on', parsed: true },
  { schema: variable.flag(true), value: 'off', parsed: false },
  { schema: variable.flag(true), value: '0', parsed: false },
  { schema: variable.flag(true), value: undefined, parsed: true },
  {
    schema: variable.url('http://a'),
    value: 'https://host:1/path///',
    parsed: 'https://host:1/path',
  },
  { schema: variable.secret(), value: undefined, parsed: undefined },
  { schema: variable.secret(), value: '~!long-enough', parsed: '~!long-enough' },
  { schema: variable.logLevel(), value: undefined, parsed: 'info' },
])('$value is $parsed', ({ schema, value, parsed }) => {
  expect(parse(schema, value)).toBe(parsed);
});

test.each([
  [integer, '11', 'must be from -1 to 10'],
  [integer, ' 1', 'must be a whole number'],
  [integer, '9'.repeat(400), 'must be from -1 to 10'],
  [integer, 'NaN', 'must be a whole number'],
  [variable.port(1), '-1', 'must be from 0 to 65535'],
  [variable.flag(true), 'On', 'must be "on" or "off", "true" or "false"'],
  [variable.url('http://a'), 'ftp://host', 'must be an http:// or https:// URL'],
  [variable.url('http://a'), 'localhost:9001', 'must be an http:// or https:// URL'],
])('%# is refused', (schema, value, message) => {
  expect(problem(schema, value)).toEqual([`NAME: ${message}, got ${JSON.stringify(value)}`]);
});

test.each(['ADMIN_TOKEN', 'API_KEYS', 'SOME_SECRET', 'REDIS_URL'])(
  'the value of %s is not repeated',
  (name) => {
    expect(problem(variable.secret(), 'hunter 2', name)).toEqual([
      `${name}: must be ASCII characters without spaces`,
    ]);
  },
);

test('paths start where the user stood', () => {
  expect(userPath('data', { INIT_CWD: '/home/me' })).toBe('/home/me/data');
  expect(userPath('/data', { INIT_CWD: '/home/me' })).toBe('/data');
  expect(userPath('data', {})).toBe(resolve('data'));
});
