import { matrixSize, type Tensor } from '../../onnx/tensor.js';

export interface QuantizedMatrix {
  readonly shape: readonly [number, number];
  readonly values: Int8Array;
  /** One per channel: a weight is about `value * scale`. */
  readonly scales: Float32Array;
}

/** Far below any weight; a channel of zeros still gets a scale, and no scale is subnormal. */
const LEAST_RANGE = 2 ** -100;

/**
 * Symmetric quantization with a scale per row or per column:
 *   scale = max |w| / levels over the channel,  q = round(w / scale),  |w - q * scale| <= scale / 2
 */
export function quantize(
  matrix: Tensor,
  channel: 'row' | 'column',
  levels: number,
): QuantizedMatrix {
  const [rows, columns] = matrixSize(matrix);
  const byRow = channel === 'row';
  const scales = new Float32Array(byRow ? rows : columns);
  const { data } = matrix;

  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const c = byRow ? i : j;
      scales[c] = Math.max(scales[c] as number, Math.abs(data[i * columns + j] as number));
    }
  }
  for (const [c, range] of scales.entries()) scales[c] = Math.max(range, LEAST_RANGE) / levels;

  const values = new Int8Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const at = i * columns + j;
      values[at] = Math.round((data[at] as number) / (scales[byRow ? i : j] as number));
    }
  }
  return { shape: [rows, columns], values, scales };
}
