import { LEXICAL_DIMENSIONS, type SparseVector } from './lexical.js';

/**
 * The weights of a linear head over C classes, all in `parameters`, class by class within a row:
 * `dense` [d, C] for the embedding, `bias` [C], `lexical` [LEXICAL_DIMENSIONS, C] for the words.
 */
export class HeadWeights {
  readonly dense: Float32Array;
  readonly bias: Float32Array;
  readonly lexical: Float32Array;

  constructor(
    readonly dimensions: number,
    readonly classes: number,
    readonly parameters: Float32Array = new Float32Array(
      (dimensions + 1 + LEXICAL_DIMENSIONS) * classes,
    ),
  ) {
    const afterDense = dimensions * classes;
    this.dense = parameters.subarray(0, afterDense);
    this.bias = parameters.subarray(afterDense, afterDense + classes);
    this.lexical = parameters.subarray(afterDense + classes);
  }

  /** z = W'x + b of one text, into `logits` [C]. */
  logits(vector: Float32Array, words: SparseVector, logits: Float32Array): void {
    const { classes, dense } = this;
    logits.set(this.bias);
    for (let k = 0; k < this.dimensions; k++)
      addRow(logits, dense, k * classes, vector[k] as number);
    this.addLexical(words, logits, 0);
  }

  /** Adds what the words say to the C logits from `offset` on. */
  addLexical({ indices, values }: SparseVector, logits: Float32Array, offset: number): void {
    const { classes, lexical } = this;
    for (let i = 0; i < indices.length; i++) {
      const row = (indices[i] as number) * classes;
      const value = values[i] as number;
      for (let c = 0; c < classes; c++)
        logits[offset + c] = (logits[offset + c] as number) + value * (lexical[row + c] as number);
    }
  }
}

function addRow(target: Float32Array, rows: Float32Array, offset: number, factor: number): void {
  for (let c = 0; c < target.length; c++)
    target[c] = (target[c] as number) + factor * (rows[offset + c] as number);
}
