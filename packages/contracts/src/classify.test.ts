import { expect, test } from 'vitest';
import { ClassifyRequest } from './classify.js';

test.each([
  { text: 'a' },
  { texts: ['a'] },
  { texts: Array.from({ length: 64 }, (_, n) => `text ${n}`), k: 100, explain: true },
])('%# is a request', (body) => {
  expect(ClassifyRequest.parse(body)).toEqual(body);
});

test.each([
  {},
  { text: 'a', texts: ['a'] },
  { texts: [] },
  { texts: Array.from({ length: 65 }, () => 'a') },
  { texts: ['a', ''] },
  { text: 'a', k: 0 },
  { text: 'a', k: 101 },
  { text: 'a', k: 1.5 },
  { text: 'a', explain: 'yes' },
  { text: 'a', more: 1 },
  [],
  null,
])('%j is none', (body) => {
  expect(ClassifyRequest.safeParse(body).success).toBe(false);
});
