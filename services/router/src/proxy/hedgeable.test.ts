import { expect, test } from 'vitest';
import { isHedgeable } from './hedgeable.js';

test.each<[string, Record<string, unknown>, boolean]>([
  ['/v1/chat/completions', {}, true],
  ['/v1/chat/completions', { store: false }, true],
  ['/v1/chat/completions', { store: true }, false],
  ['/v1/embeddings', {}, true],
  ['/v1/responses', {}, false],
  ['/v1/responses', { store: false }, true],
  ['/v1/files', {}, false],
  ['/v1/batches', { store: false }, false],
])('%s with %j: %s', (path, body, hedgeable) => {
  expect(isHedgeable(path, body)).toBe(hedgeable);
});
