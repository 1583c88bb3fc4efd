import { expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError } from './config-error.js';
import { parseEnvironment, variable } from './environment.js';
import { parseRedisUrl, showRedisLocation } from './redis-location.js';

test.each([
  ['redis://one', { nodes: [{ host: 'one', port: 6379 }], tls: false, db: 0 }],
  ['rediss://one:7000/3', { nodes: [{ host: 'one', port: 7000 }], tls: true, db: 3 }],
  ['redis://[::1]:1/', { nodes: [{ host: '::1', port: 1 }], tls: false, db: 0 }],
  [
    'redis://:p%40ss@one',
    { nodes: [{ host: 'one', port: 6379 }], tls: false, db: 0, password: 'p@ss' },
  ],
  [
    'redis://me:secret@a:1, redis://me:secret@b:2',
    {
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
      tls: false,
      db: 0,
      username: 'me',
      password: 'secret',
    },
  ],
])('%s', (text, location) => {
  expect(parseRedisUrl(text)).toEqual(location);
});

test.each([
  ['http://hidden:1', 'must be redis://host:port or rediss://host:port, or several with commas'],
  ['hidden:6379', 'must be redis://host:port or rediss://host:port, or several with commas'],
  ['redis://hidden:99999', 'must be redis://host:port or rediss://host:port, or several with'],
  ['redis://', 'must name a host'],
  ['redis://hidden/one', 'must end in the number of a database, if in a path'],
  ['redis://hidden?db=1', 'must have no query and no fragment'],
  ['redis://:hidden%@host', 'must write "%" in a user or password as %25'],
  ['redis://a,,redis://hidden', '(URL 2 of the list)'],
  ['redis://a,redis://:hidden@b', 'the same scheme, user and password'],
  ['redis://a,rediss://hidden', 'the same scheme, user and password'],
  ['redis://a/1,redis://hidden/1', 'must name no database: a Redis Cluster has only number 0'],
])('%s is refused, and not repeated', (text, message) => {
  let problems: readonly string[] = [];
  try {
    parseEnvironment(z.object({ REDIS_URL: variable.redisUrl() }), { REDIS_URL: text });
  } catch (error) {
    if (error instanceof ConfigError) problems = error.problems;
  }
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/^REDIS_URL: must /);
  expect(problems[0]).toContain(message);
  expect(problems[0]).not.toContain('hidden');
});

test('is shown without user and password', () => {
  expect(showRedisLocation(parseRedisUrl('redis://me:secret@[::1]:5/2'))).toBe('redis://[::1]:5/2');
  expect(showRedisLocation(parseRedisUrl('rediss://:x@a,rediss://:x@b:1'))).toBe(
    'rediss://a:6379,rediss://b:1',
  );
});

test('keys begin with "switchyard" unless told otherwise, and never with braces', () => {
  const parse = (value?: string) =>
    parseEnvironment(z.object({ P: variable.redisKeyPrefix() }), { P: value }).P;
  expect(parse()).toBe('switchyard');
  expect(parse('two:b')).toBe('two:b');
  expect(() => parse('{a}')).toThrow('P: must be 1 to 64 letters');
});
