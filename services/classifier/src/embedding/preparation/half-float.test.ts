import { expect, test } from 'vitest';
import { halfToNumber, halvesToFloats } from './half-float.js';

/** Bits and value, from the tables of IEEE 754-2008. */
const CASES: readonly (readonly [bits: number, value: number])[] = [
  [0x0000, 0],
  [0x8000, -0],
  [0x0001, 2 ** -24],
  [0x03ff, 1023 * 2 ** -24],
  [0x8001, -(2 ** -24)],
  [0x0400, 2 ** -14],
  [0x3555, 0.333251953125],
  [0x3bff, 0.99951171875],
  [0x3c00, 1],
  [0x3c01, 1.0009765625],
  [0xc000, -2],
  [0x7bff, 65504],
  [0xfbff, -65504],
  [0x7c00, Infinity],
  [0xfc00, -Infinity],
  [0x7e00, Number.NaN],
  [0xfc01, Number.NaN],
];

test.each(CASES)('half %i is %f', (bits, value) => {
  expect(halfToNumber(bits)).toBe(value);
  expect(halvesToFloats(Uint16Array.of(bits))[0]).toBe(value);
});

test('every positive finite half is greater than the one before', () => {
  const floats = halvesToFloats(Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits));
  expect(floats.every((value, i) => i === 0 || value > (floats[i - 1] as number))).toBe(true);
});
