import { InferenceSession, Tensor } from 'onnxruntime-node';
import { HeadWeights } from '../head-weights.js';
import type { SparseVector } from '../lexical.js';
import { classSizes, type LabelledRows } from './labelled-rows.js';
import type { Objective } from './lbfgs.js';
import { objectiveGraph } from './objective-graph.js';

/** C of the squared distance to the prior: |W - W0|^2 / (2 * REGULARITY). */
const REGULARITY = 30;
/** Logits of one block: with its intermediate values, a block stays below about 64 MB. */
const BLOCK_LOGITS = 2 ** 21;
const MAX_BLOCK_ROWS = 4096;

/** Of one thread, so that the same rows give the same head whatever the machine does meanwhile. */
export function loadObjective(): Promise<InferenceSession> {
  return InferenceSession.create(objectiveGraph(), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
  });
}

interface Block {
  from: number;
  to: number;
  x: Tensor;
  labels: Tensor;
  weights: Tensor;
}

/**
 * The objective of a multinomial logistic head over HeadWeights.parameters:
 * sum of w_i * cross entropy_i + |W - W0|^2 / (2 * REGULARITY), with w_i = n / (C * n_c), which
 * gives every class the same weight; biases are free. `words[i]` are the lexical features of row i.
 */
export function headObjective(
  session: InferenceSession,
  rows: LabelledRows,
  words: readonly SparseVector[],
  prior: HeadWeights,
): Objective {
  const { classes, dimensions } = rows;
  const blocks = blocksOf(rows);
  const depth = new Tensor('int64', BigInt64Array.of(BigInt(classes)), [1]);

  return async (parameters, gradient) => {
    const weights = new HeadWeights(dimensions, classes, parameters);
    const slope = new HeadWeights(dimensions, classes, gradient);
    gradient.fill(0);
    const shared = {
      W: new Tensor('float32', weights.dense, [dimensions, classes]),
      b: new Tensor('float32', weights.bias, [1, classes]),
      C: depth,
    };
    let loss = 0;
    for (const { from, to, x, labels, weights: w } of blocks) {
      const extra = new Float32Array((to - from) * classes);
      for (let row = from; row < to; row++)
        weights.addLexical(words[row] as SparseVector, extra, (row - from) * classes);
      const E = new Tensor('float32', extra, [to - from, classes]);
      const outputs = await session.run({ ...shared, X: x, E, labels, w });
      const [ofBlock = 0] = floats(outputs, 'L');
      loss += ofBlock;
      add(slope.dense, floats(outputs, 'GW'));
      const surplus = floats(outputs, 'G');
      for (let row = from; row < to; row++)
        addRow(slope, words[row] as SparseVector, surplus, (row - from) * classes);
    }
    return loss + pull(weights, prior, slope);
  };
}

function blocksOf(rows: LabelledRows): Block[] {
  const { count, dimensions, classes, labels } = rows;
  const sizes = classSizes(rows);
  const size = Math.max(1, Math.min(MAX_BLOCK_ROWS, Math.floor(BLOCK_LOGITS / classes)));
  return Array.from({ length: Math.ceil(count / size) }, (_, block) => {
    const from = block * size;
    const to = Math.min(count, from + size);
    const own = labels.subarray(from, to);
    const balance = Float32Array.from(own, (label) => count / (classes * (sizes[label] as number)));
    const vectors = rows.vectors.subarray(from * dimensions, to * dimensions);
    return {
      from,
      to,
      x: new Tensor('float32', vectors, [to - from, dimensions]),
      labels: new Tensor('int64', BigInt64Array.from(own, BigInt), [to - from]),
      weights: new Tensor('float32', balance, [to - from, 1]),
    };
  });
}

/** Adds the pull towards the prior to the gradient and gives its value. */
function pull(weights: HeadWeights, prior: HeadWeights, slope: HeadWeights): number {
  let squares = 0;
  for (const part of ['dense', 'lexical'] as const)
    for (let i = 0; i < weights[part].length; i++) {
      const distance = (weights[part][i] as number) - (prior[part][i] as number);
      squares += distance * distance;
      slope[part][i] = (slope[part][i] as number) + distance / REGULARITY;
    }
  return squares / (2 * REGULARITY);
}

/** One row's share of the gradient of bias and lexical weights; `surplus` is G. */
function addRow(slope: HeadWeights, words: SparseVector, surplus: Float32Array, offset: number) {
  const { classes, bias, lexical } = slope;
  for (let c = 0; c < classes; c++) bias[c] = (bias[c] as number) + (surplus[offset + c] as number);
  for (let i = 0; i < words.indices.length; i++) {
    const row = (words.indices[i] as number) * classes;
    const value = words.values[i] as number;
    for (let c = 0; c < classes; c++)
      lexical[row + c] = (lexical[row + c] as number) + value * (surplus[offset + c] as number);
  }
}

const floats = (outputs: InferenceSession.OnnxValueMapType, name: string) =>
  (outputs[name] as Tensor).data as Float32Array;

function add(target: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < target.length; i++) target[i] = (target[i] as number) + (addend[i] as number);
}
