import { expect, test } from 'vitest';
import { BodyBudget, BodyShare, FREE_BYTES } from './body-budget.js';

test('small bodies are free, large ones take what there is and give it back once', () => {
  const budget = new BodyBudget(10 * FREE_BYTES);
  const [small, large, other] = [1, 2, 3].map(() => new BodyShare(budget));
  expect(small?.holds(FREE_BYTES)).toBe(true);
  expect(budget.usedBytes).toBe(0);
  expect(large?.holds(2 * FREE_BYTES)).toBe(true);
  expect(large?.holds(6 * FREE_BYTES)).toBe(true);
  expect(budget.usedBytes).toBe(6 * FREE_BYTES);
  expect(other?.holds(5 * FREE_BYTES)).toBe(false);
  large?.release();
  large?.release();
  expect(budget.usedBytes).toBe(0);
  expect(other?.holds(5 * FREE_BYTES)).toBe(true);
});

test('one body alone is taken, whatever the budget', () => {
  const budget = new BodyBudget(FREE_BYTES);
  const share = new BodyShare(budget);
  expect(share.holds(50 * FREE_BYTES)).toBe(true);
  expect(new BodyShare(budget).holds(2 * FREE_BYTES)).toBe(false);
  share.release();
  expect(budget.usedBytes).toBe(0);
});
