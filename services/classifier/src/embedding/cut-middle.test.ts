import { expect, test } from 'vitest';
import { cutMiddle } from './cut-middle.js';

test.each([
  { tokens: [1, 2, 3], budget: 4, kept: [1, 2, 3] },
  { tokens: [1, 2, 3, 4], budget: 4, kept: [1, 2, 3, 4] },
  { tokens: [1, 2, 3, 4, 5], budget: 4, kept: [1, 2, 4, 5] },
  { tokens: [1, 2, 3, 4, 5], budget: 3, kept: [1, 2, 5] },
  { tokens: [1, 2, 3, 4, 5], budget: 1, kept: [1] },
  { tokens: [], budget: 2, kept: [] },
])('$tokens in $budget is $kept', ({ tokens, budget, kept }) => {
  expect(cutMiddle(tokens, budget)).toEqual(kept);
});
