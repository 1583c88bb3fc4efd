import { expect, test } from 'vitest';
import { IntentName, Text } from './text.js';

test.each([
  ['a', 'a'],
  ['  padded \n', 'padded'],
  ['x'.repeat(8192), 'x'.repeat(8192)],
  [` ${'x'.repeat(8192)} `, 'x'.repeat(8192)],
  ['😀'.repeat(8192), '😀'.repeat(8192)],
  ['lone \ud800 surrogate', 'lone \ufffd surrogate'],
])('text %# is taken', (given, taken) => {
  expect(Text.parse(given)).toBe(taken);
});

test.each([
  ['', 'must not be empty'],
  [' \n\t\u00a0', 'must not be empty'],
  ['x'.repeat(8193), 'must be at most 8192 characters after trimming'],
  ['😀'.repeat(8193), 'must be at most 8192 characters after trimming'],
  [5, 'must be a string'],
  [null, 'must be a string'],
  [['a'], 'must be a string'],
])('text %# is refused', (given, message) => {
  expect(Text.safeParse(given).error?.issues.map((issue) => issue.message)).toEqual([message]);
});

test.each(['a', '0', 'code generation', 'A.b_c-d', 'x'.repeat(64), 'constructor'])(
  'intent "%s" is a name',
  (name) => {
    expect(IntentName.parse(name)).toBe(name);
  },
);

test.each(['', ' a', '-a', '.a', '_a', 'a/b', 'ä', 'a\n', 'a\u0000', 'x'.repeat(65), 5, null])(
  'intent %j is no name',
  (name) => {
    expect(IntentName.safeParse(name).success).toBe(false);
  },
);
