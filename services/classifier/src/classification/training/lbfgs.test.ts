import { expect, test } from 'vitest';
import { minimize, type Objective } from './lbfgs.js';

/** sum of k * (x_k - k)^2, whose curvatures differ a hundredfold. */
const bowl: Objective = async (x, gradient) => {
  let value = 0;
  for (let k = 0; k < x.length; k++) {
    const off = (x[k] ?? 0) - k;
    value += (k + 1) * off * off;
    gradient[k] = 2 * (k + 1) * off;
  }
  return value;
};

/** Rosenbrock, 1960: a bent valley, with its lowest point at (1, 1); raised by 1. */
const valley: Objective = async ([x = 0, y = 0], gradient) => {
  gradient[0] = -2 * (1 - x) - 400 * x * (y - x * x);
  gradient[1] = 200 * (y - x * x);
  return 1 + (1 - x) ** 2 + 100 * (y - x * x) ** 2;
};

test('finds the lowest point of a bowl', async () => {
  const found = await minimize(bowl, new Float32Array(100), 60);
  for (let k = 0; k < 100; k++) expect(Math.abs((found[k] ?? 0) - k)).toBeLessThan(0.5);
});

test('follows a bent valley', async () => {
  const start = Float32Array.of(-1.2, 1);
  const found = await minimize(valley, start, 200);
  expect(Math.hypot((found[0] ?? 0) - 1, (found[1] ?? 0) - 1)).toBeLessThan(0.1);
  expect([...start]).toEqual([...Float32Array.of(-1.2, 1)]);
});

test('stays where there is no way down', async () => {
  const flat: Objective = async (_x, gradient) => {
    gradient.fill(0);
    return 3;
  };
  expect([...(await minimize(flat, Float32Array.of(1, 2), 30))]).toEqual([1, 2]);
});

test('never ends higher than it began, also where the slope lies', async () => {
  const liar: Objective = async (x, gradient) => {
    gradient.fill(1);
    return 10 - (x[0] ?? 0);
  };
  expect([...(await minimize(liar, Float32Array.of(0), 30))]).toEqual([0]);
});
