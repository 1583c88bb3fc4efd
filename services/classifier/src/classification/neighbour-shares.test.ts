import { expect, test } from 'vitest';
import { closeness, meanSimilarity, neighbourShares, voteWeights } from './neighbour-shares.js';

const sharesOf = (classes: number[], similarities: number[], count: number) => {
  const shares = new Float64Array(count);
  neighbourShares({ classes, similarities }, shares);
  return [...shares];
};

test('K is the share of exp(s / 0.05), smoothed', () => {
  // Relative to the nearest: 1, exp(-1), exp(-2); class 0 has the first and the last.
  const total = 1 + Math.exp(-1) + Math.exp(-2);
  const shares = sharesOf([0, 1, 0], [0.8, 0.75, 0.7], 4);
  expect(shares[0]).toBeCloseTo((0.98 * (1 + Math.exp(-2))) / total + 0.005, 12);
  expect(shares[1]).toBeCloseTo((0.98 * Math.exp(-1)) / total + 0.005, 12);
  expect(shares[2]).toBeCloseTo(0.005, 12);
  expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
});

test('without neighbours every class is as likely', () => {
  expect(sharesOf([], [], 4)).toEqual([0.25, 0.25, 0.25, 0.25]);
  expect([...voteWeights({ similarities: [] })]).toEqual([]);
});

test('the similarity to a class is that of its three nearest', () => {
  const voters = { classes: [0, 1, 0, 0, 0], similarities: [0.9, 0.8, 0.6, 0.3, 0.1] };
  expect(meanSimilarity(voters, 0)).toBeCloseTo((0.9 + 0.6 + 0.3) / 3, 12);
  expect(meanSimilarity(voters, 1)).toBeCloseTo(0.8, 12);
  // One that is not among them is no closer than the last.
  expect(meanSimilarity(voters, 2)).toBeCloseTo(0.1, 12);
  expect(meanSimilarity({ classes: [], similarities: [] }, 0)).toBe(0);
  expect(closeness(5, voters, 1)).toBeCloseTo(5 + 8, 12);
});
