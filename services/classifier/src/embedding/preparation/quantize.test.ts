import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type QuantizedMatrix, quantize } from './quantize.js';

const channels = ['row', 'column'] as const;

function restore({ shape: [rows, columns], values, scales }: QuantizedMatrix, byRow: boolean) {
  return Float32Array.from({ length: rows * columns }, (_, at) => {
    const channel = byRow ? Math.floor(at / columns) : at % columns;
    return (values[at] as number) * (scales[channel] as number);
  });
}

const matrices = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
  .chain(([rows, columns]) =>
    fc
      .array(fc.double({ min: -1000, max: 1000, noNaN: true }), {
        minLength: rows * columns,
        maxLength: rows * columns,
      })
      .map((values) => ({ shape: [rows, columns], data: Float32Array.from(values) })),
  );

describe.each(channels)('by %s', (channel) => {
  test.each([63, 127])('a weight comes back within half a step of %i levels', (levels) => {
    fc.assert(
      fc.property(matrices, (matrix) => {
        const quantized = quantize(matrix, channel, levels);
        const restored = restore(quantized, channel === 'row');
        const columns = matrix.shape[1] as number;
        for (const [at, value] of matrix.data.entries()) {
          const index = channel === 'row' ? Math.floor(at / columns) : at % columns;
          const step = quantized.scales[index] as number;
          // Half a step, and the rounding of a float32 product near the ends of the range.
          const bound = step * (0.5 + levels * 2 ** -23);
          expect(Math.abs(value - (restored[at] as number))).toBeLessThanOrEqual(bound);
          expect(Math.abs(quantized.values[at] as number)).toBeLessThanOrEqual(levels);
        }
      }),
    );
  });
});

test('every channel uses its whole range', () => {
  const data = Float32Array.of(1, 100, -3, -40);
  const byColumn = quantize({ shape: [2, 2], data }, 'column', 63);
  expect([...byColumn.values]).toEqual([21, 63, -63, -25]);
  const byRow = quantize({ shape: [2, 2], data }, 'row', 127);
  expect([...byRow.values]).toEqual([1, 127, -10, -127]);
});

test('a channel of zeros stays zero', () => {
  const zeros = quantize({ shape: [1, 2], data: new Float32Array(2) }, 'row', 127);
  expect([...zeros.values]).toEqual([0, 0]);
  expect(zeros.scales[0]).toBeGreaterThan(0);
});
