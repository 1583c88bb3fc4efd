import { expect, test } from 'vitest';
import { gramsOf, LEXICAL_DIMENSIONS, LexicalFeatures, type SparseVector } from './lexical.js';

const count = (text: string) => gramsOf(text).hashes.length;
const length = ({ values }: SparseVector) => Math.hypot(...values);
const dense = ({ indices, values }: SparseVector) => {
  const all = new Float64Array(LEXICAL_DIMENSIONS);
  for (const [i, index] of indices.entries()) all[index] = (all[index] ?? 0) + (values[i] ?? 0);
  return all;
};
const cosine = (a: SparseVector, b: SparseVector) => {
  const [x, y] = [dense(a), dense(b)];
  return x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0) / (length(a) * length(b));
};

test.each([
  // Words, and pairs with the beginning and the end.
  ['sort a list', 3 + 4],
  ['Sort, a LIST!', 3 + 4],
  ['a a a', 1 + 3],
  ['', 1],
  ['?!', 1],
  ['don’t café naïve', 3 + 4],
  ["don't", 1 + 2],
  ['東京 hi', 3 + 4],
  ['word word', 1 + 3],
])('"%s" has %i grams', (text, grams) => {
  expect(count(text)).toBe(grams);
});

test('a long text counts up to a limit', () => {
  const words = Array.from({ length: 5000 }, (_, n) => `w${n}`).join(' ');
  expect(count(words)).toBe(2 * 1024 + 1);
});

test('a vector has length 0.5, and rare words weigh more than common ones', () => {
  const texts = ['the cat', 'the dog', 'the owl', 'the cat naps'];
  const features = LexicalFeatures.count(texts.map(gramsOf));
  const vector = (text: string) => features.vector(gramsOf(text));
  for (const text of texts) expect(length(vector(text))).toBeCloseTo(0.5, 6);
  const shareRare = cosine(vector('the owl'), vector('an owl'));
  const shareCommon = cosine(vector('the owl'), vector('the ant'));
  expect(shareRare).toBeGreaterThan(shareCommon);
});

test('idf = 1 + ln((1 + N) / (1 + df)) and tf = 1 + ln(count)', () => {
  const features = LexicalFeatures.count(['x y', 'x'].map(gramsOf));
  const { values } = features.vector(gramsOf('x x z'));
  // x twice in 2 of 2 texts; "^ x" in 2; "x x", z, "x z" and "z $" in none.
  const never = 1 + Math.log(3);
  const raw = [1 + Math.log(2), 1, never, never, never, never];
  const norm = Math.hypot(...raw);
  const expected = raw.map((value) => (0.5 * value) / norm).sort();
  const found = [...values].map(Math.abs).sort();
  for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 5);
});

test('what is stored is what was counted', () => {
  const features = LexicalFeatures.count(['one two', 'two three', ''].map(gramsOf));
  const again = LexicalFeatures.from(structuredClone(features.compact()));
  const grams = gramsOf('three two one');
  expect(again.documents).toBe(3);
  expect(again.vector(grams)).toEqual(features.vector(grams));
});
