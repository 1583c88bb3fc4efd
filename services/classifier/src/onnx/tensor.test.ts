import { expect, test } from 'vitest';
import { concatLastAxis, scale, type Tensor, transpose } from './tensor.js';

const tensor = (shape: readonly number[], ...values: readonly number[]): Tensor => ({
  shape,
  data: Float32Array.from(values),
});

test('transpose turns rows into columns', () => {
  expect(transpose(tensor([2, 3], 1, 2, 3, 4, 5, 6))).toEqual(tensor([3, 2], 1, 4, 2, 5, 3, 6));
});

test('transpose refuses what is not a matrix', () => {
  expect(() => transpose(tensor([1, 1, 1], 1))).toThrow('shape [1, 1, 1]');
});

test('concatLastAxis joins matrices side by side', () => {
  const joined = concatLastAxis([tensor([2, 1], 1, 2), tensor([2, 2], 3, 4, 5, 6)]);
  expect(joined).toEqual(tensor([2, 3], 1, 3, 4, 2, 5, 6));
});

test('concatLastAxis joins vectors end to end', () => {
  expect(concatLastAxis([tensor([2], 1, 2), tensor([1], 3)])).toEqual(tensor([3], 1, 2, 3));
});

test('concatLastAxis refuses matrices of different heights', () => {
  const [two, one] = [tensor([2, 1], 1, 2), tensor([1, 1], 1)];
  expect(() => concatLastAxis([two, one])).toThrow(RangeError);
});

test('scale multiplies every value and leaves its operand alone', () => {
  const original = tensor([2], 1, -2);
  expect(scale(original, 0.5)).toEqual(tensor([2], 0.5, -1));
  expect(original).toEqual(tensor([2], 1, -2));
});
