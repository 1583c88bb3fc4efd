import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RetryBudget } from './retry-budget.js';

function budgetAt(given: { budget?: number; minPerSecond?: number } = {}) {
  const clock = { now: 40_000 };
  const settings = { budget: 0.2, minPerSecond: 0, windowMs: 10_000, ...given };
  const budget = new RetryBudget(settings, () => clock.now);
  const requests = (count: number) => {
    for (let i = 0; i < count; i++) budget.request();
  };
  const taken = (tries: number) =>
    Array.from({ length: tries }, () => budget.take()).filter(Boolean);
  return { clock, budget, requests, taken };
}

test.each([
  [0, 0],
  [4, 0],
  [5, 1],
  [15, 3],
  [100, 20],
])('after %i requests a fifth may be retried: %i', (count, left) => {
  const { budget, requests, taken } = budgetAt();
  requests(count);
  expect(budget.left).toBe(left);
  expect(taken(count + 5)).toHaveLength(left);
  expect(budget).toMatchObject({ taken: left, denied: count + 5 - left });
});

test('a floor is there however few requests there are', () => {
  const { taken } = budgetAt({ minPerSecond: 0.5 });
  expect(taken(10)).toHaveLength(5);
});

test('with nothing allowed nothing is', () => {
  const { requests, taken } = budgetAt({ budget: 0 });
  requests(1000);
  expect(taken(3)).toHaveLength(0);
});

test('requests and retries are forgotten with the window', () => {
  const { clock, budget, requests, taken } = budgetAt();
  requests(50);
  expect(taken(20)).toHaveLength(10);
  clock.now += 10_001;
  expect(budget.left).toBe(0);
  requests(50);
  expect(budget.left).toBe(10);
});

test('one that was given back may be taken again', () => {
  const { budget, requests } = budgetAt();
  requests(5);
  expect([budget.take(), budget.take()]).toEqual([true, false]);
  budget.giveBack();
  expect(budget.take()).toBe(true);
});

test('over any stretch of traffic retries stay within budget and floor', () => {
  const step = fc.record({ ms: fc.nat(3000), requests: fc.nat(30), tries: fc.nat(30) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, requests, taken } = budgetAt({ minPerSecond: 1 });
      let [asked, retried] = [0, 0];
      const started = clock.now;
      for (const { ms, requests: count, tries } of steps) {
        clock.now += ms;
        requests(count);
        asked += count;
        retried += taken(tries).length;
      }
      // What a window gives may be spent at its end and again at the start of the next one.
      const windows = 1 + Math.ceil((clock.now - started) / 9000);
      expect(retried).toBeLessThanOrEqual(0.2 * asked + 10 * windows);
    }),
  );
});
