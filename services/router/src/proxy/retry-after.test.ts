import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.js';

const today = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');

test.each<[number, Record<string, string>, number | undefined]>([
  [429, { 'Retry-After': '7' }, 7000],
  [503, { 'retry-after': ' 1.5 ' }, 1500],
  [503, { 'retry-after': '0' }, 0],
  [429, { 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' }, 30_000],
  [429, { 'retry-after': 'Wed, 21 Oct 2026 07:27:00 GMT' }, 0],
  [429, { 'retry-after': '2', 'retry-after-ms': '250' }, 250],
  [429, { 'retry-after': '2', 'retry-after-ms': 'soon' }, 2000],
  [429, { 'retry-after': 'soon' }, undefined],
  [429, { 'retry-after': '-1' }, undefined],
  [429, { 'retry-after': '' }, undefined],
  [429, {}, undefined],
  [500, { 'retry-after': '7' }, undefined],
  [200, { 'retry-after': '7' }, undefined],
])('%i with %j: %s', (status, headers, ms) => {
  const flat = Object.entries(headers).flat();
  expect(retryAfterMs({ status, headers: flat }, () => today)).toBe(ms);
});
