import { expect, test } from 'vitest';
import { PoolQueue } from './pool-queue.js';

const queue = (spill: number, now = () => 0) =>
  new PoolQueue({ size: 10, timeoutMs: 30_000, spill }, now);

test.each([
  [0, '..........'],
  [1, '##########'],
  [0.5, '.#.#.#.#.#'],
  [0.3, '...#..#..#'],
  [0.1, '.........#'],
])('a share of %f moves, evenly spread: %s', (spill, expected) => {
  const one = queue(spill);
  const moved = Array.from(expected, () => (one.spillsNext() ? '#' : '.')).join('');
  expect(moved).toBe(expected);
});

test('Retry-After follows from those who wait and the pace at which they get slots', () => {
  let now = 0;
  const one = queue(1, () => now);
  // Nothing has moved: no sooner than the queue gives up.
  expect(one.retryAfterSeconds({ waiting: 3, replicas: 1 })).toBe(30);
  for (let i = 0; i < 20; i++) one.gotSlot();
  // 20 slots in 10 s here: two a second, four with another router.
  expect(one.retryAfterSeconds({ waiting: 0, replicas: 1 })).toBe(1);
  expect(one.retryAfterSeconds({ waiting: 99, replicas: 1 })).toBe(50);
  expect(one.retryAfterSeconds({ waiting: 99, replicas: 2 })).toBe(25);
  expect(one.retryAfterSeconds({ waiting: 1_000_000, replicas: 1 })).toBe(600);
  now = 60_000;
  expect(one.retryAfterSeconds({ waiting: 0, replicas: 1 })).toBe(30);
});
