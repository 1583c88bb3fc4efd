import { describe, expect, test } from 'vitest';
import { neighbourVote } from './neighbour-vote.js';
import type { ScoredNeighbour } from './scorer.js';

const noThreshold = () => null;
/** Neither the text nor the vector has a vote. */
const score = (neighbours: ScoredNeighbour[], threshold: (intent: string) => number | null) =>
  neighbourVote.score({ text: '', vector: new Float32Array(), neighbours }, threshold);
const near = (intent: string, similarity: number) => ({ intent, similarity });

test('confidence is the share of exp(s / 0.1)', () => {
  // Weights relative to the nearest: 1, exp(-1), exp(-2). a has 1 + exp(-2), b exp(-1).
  const { ranked } = score([near('a', 0.8), near('b', 0.7), near('a', 0.6)], noThreshold);
  const total = 1 + Math.exp(-1) + Math.exp(-2);
  expect(ranked.map(({ intent }) => intent)).toEqual(['a', 'b']);
  expect(ranked[0]?.confidence).toBeCloseTo((1 + Math.exp(-2)) / total, 10);
  expect(ranked[1]?.confidence).toBeCloseTo(Math.exp(-1) / total, 10);
});

test('several near ones outvote the nearest', () => {
  const neighbours = [near('a', 0.8), near('b', 0.78), near('b', 0.77)];
  expect(score(neighbours, noThreshold).ranked[0]?.intent).toBe('b');
});

test('the score is the mean similarity of the three nearest of the best intent', () => {
  const neighbours = [
    near('a', 0.9),
    near('a', 0.6),
    near('b', 0.5),
    near('a', 0.3),
    near('a', 0.1),
  ];
  expect(score(neighbours, noThreshold).score).toBeCloseTo((0.9 + 0.6 + 0.3) / 3, 10);
  expect(score([near('a', 0.4)], noThreshold).score).toBeCloseTo(0.4, 10);
});

describe('in scope', () => {
  test.each([
    { similarity: 0.31, own: null, inScope: true },
    { similarity: 0.29, own: null, inScope: false },
    { similarity: 0.29, own: 0.2, inScope: true },
    { similarity: 0.9, own: 0.95, inScope: false },
    { similarity: 0.5, own: 0.5, inScope: true },
    { similarity: -0.5, own: -1, inScope: true },
    { similarity: 1, own: 1000, inScope: false },
  ])('$similarity against a threshold of $own: $inScope', ({ similarity, own, inScope }) => {
    expect(score([near('a', similarity)], () => own).inScope).toBe(inScope);
  });

  test('asks for the threshold of the best intent only', () => {
    const asked: string[] = [];
    score([near('a', 0.8), near('b', 0.1)], (intent) => {
      asked.push(intent);
      return null;
    });
    expect(asked).toEqual(['a']);
  });
});

test('equal votes go by name, so that the answer does not depend on chance', () => {
  for (const order of [
    ['b', 'a'],
    ['a', 'b'],
  ]) {
    const ranked = score(
      order.map((name) => near(name, 0.5)),
      noThreshold,
    ).ranked;
    expect(ranked.map(({ intent }) => intent)).toEqual(['a', 'b']);
  }
});

test('with nothing to compare with, nothing is in scope', () => {
  expect(score([], noThreshold)).toEqual({ ranked: [], score: 0, inScope: false });
});

test('neighbours beyond the twentieth have no vote', () => {
  const twenty = Array.from({ length: 20 }, () => near('a', 0.5));
  expect(score([...twenty, near('b', 0.5)], noThreshold).ranked).toEqual([
    { intent: 'a', confidence: 1 },
  ]);
});
