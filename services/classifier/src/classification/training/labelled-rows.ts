import type { Grams } from '../lexical.js';

/** Labelled texts: row i is `vectors[i * dimensions ...]`, `grams[i]` and `labels[i]`. */
export interface LabelledRows {
  readonly count: number;
  readonly dimensions: number;
  readonly classes: number;
  readonly vectors: Float32Array;
  readonly grams: readonly Grams[];
  /** 0 to `classes` - 1. */
  readonly labels: Int32Array;
}

/** The rows at `positions`, in that order; all classes stay, also those without a row. */
export function selectRows(rows: LabelledRows, positions: readonly number[]): LabelledRows {
  const { dimensions, classes } = rows;
  const vectors = new Float32Array(positions.length * dimensions);
  for (const [at, row] of positions.entries()) vectors.set(vectorOf(rows, row), at * dimensions);
  return {
    count: positions.length,
    dimensions,
    classes,
    vectors,
    grams: positions.map((row) => rows.grams[row] as Grams),
    labels: Int32Array.from(positions, (row) => rows.labels[row] as number),
  };
}

/** The rows of both, of the same classes. */
export function joinRows(first: LabelledRows, second: LabelledRows): LabelledRows {
  const vectors = new Float32Array(first.vectors.length + second.vectors.length);
  vectors.set(first.vectors);
  vectors.set(second.vectors, first.vectors.length);
  const labels = new Int32Array(first.count + second.count);
  labels.set(first.labels);
  labels.set(second.labels, first.count);
  return {
    ...first,
    count: first.count + second.count,
    vectors,
    grams: [...first.grams, ...second.grams],
    labels,
  };
}

export function vectorOf({ vectors, dimensions }: LabelledRows, row: number): Float32Array {
  return vectors.subarray(row * dimensions, (row + 1) * dimensions);
}

export function classSizes({ classes, labels }: LabelledRows): Uint32Array {
  const sizes = new Uint32Array(classes);
  for (const label of labels) sizes[label] = (sizes[label] as number) + 1;
  return sizes;
}
