/** Row-major float32 values: the last dimension of `shape` is the one that varies fastest. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

export function matrixSize({ shape }: Pick<Tensor, 'shape'>): readonly [number, number] {
  const [rows, columns, ...more] = shape;
  if (rows === undefined || columns === undefined || more.length > 0) {
    throw new RangeError(`a matrix was expected, not a tensor of shape [${shape.join(', ')}]`);
  }
  return [rows, columns];
}

export function transpose(matrix: Tensor): Tensor {
  const [rows, columns] = matrixSize(matrix);
  const data = new Float32Array(matrix.data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      data[j * rows + i] = matrix.data[i * columns + j] as number;
    }
  }
  return { shape: [columns, rows], data };
}

export function scale(tensor: Tensor, factor: number): Tensor {
  return { shape: tensor.shape, data: tensor.data.map((value) => value * factor) };
}

/** Joins vectors end to end, or matrices of equally many rows side by side. */
export function concatLastAxis(tensors: readonly Tensor[]): Tensor {
  const leading = tensors[0]?.shape.slice(0, -1) ?? [];
  const widths = tensors.map(({ shape }) => shape.at(-1) ?? 1);
  const width = widths.reduce((sum, each) => sum + each, 0);
  const rows = elementCount(leading);
  const data = new Float32Array(rows * width);
  let column = 0;
  for (const [index, tensor] of tensors.entries()) {
    if (tensor.shape.slice(0, -1).join() !== leading.join()) {
      throw new RangeError('tensors of different leading dimensions cannot be joined');
    }
    const own = widths[index] as number;
    for (let row = 0; row < rows; row++) {
      data.set(tensor.data.subarray(row * own, (row + 1) * own), row * width + column);
    }
    column += own;
  }
  return { shape: [...leading, width], data };
}
