import type { InferenceSession } from 'onnxruntime-node';
import { HeadWeights } from '../head-weights.js';
import { LexicalFeatures } from '../lexical.js';
import { headObjective } from './head-objective.js';
import { joinRows, type LabelledRows, vectorOf } from './labelled-rows.js';
import { minimize } from './lbfgs.js';

/** Length of a column of the prior: logits between classes 10 cosines apart. */
export const PRIOR_LENGTH = 10;
/** What an intent's name and description weigh in its centroid, in exemplars. */
const ABOUT_WEIGHT = 3;
const ITERATIONS = 30;

export interface FittedHead {
  weights: HeadWeights;
  features: LexicalFeatures;
  /** Sum of the vectors of each class, [C, d]. */
  sums: Float32Array;
}

/**
 * Multinomial logistic regression over [embedding; words] with its weights drawn towards the class
 * centroids. `about` adds a row for what is said of a class, and counts in its centroid. Starts at
 * the prior: the same rows in the same order give the same head.
 */
export async function fitHead(
  session: InferenceSession,
  rows: LabelledRows,
  about: LabelledRows,
): Promise<FittedHead> {
  const { dimensions, classes } = rows;
  const features = LexicalFeatures.count(rows.grams);
  const sums = addVectors(new Float32Array(classes * dimensions), rows, 1);
  const prior = centroidWeights(addVectors(sums.slice(), about, ABOUT_WEIGHT), dimensions);
  const all = joinRows(rows, about);
  const words = all.grams.map((grams) => features.vector(grams));
  const objective = headObjective(session, all, words, prior);
  const parameters = await minimize(objective, prior.parameters, ITERATIONS);
  return { weights: new HeadWeights(dimensions, classes, parameters), features, sums };
}

/** W0: each row of `sums` [C, d], scaled to PRIOR_LENGTH, as a column; nothing for the words. */
export function centroidWeights(sums: Float32Array, dimensions: number): HeadWeights {
  const classes = sums.length / dimensions;
  const prior = new HeadWeights(dimensions, classes);
  for (let c = 0; c < classes; c++) {
    const sum = sums.subarray(c * dimensions, (c + 1) * dimensions);
    const scale = PRIOR_LENGTH / (Math.hypot(...sum) || 1);
    for (let k = 0; k < dimensions; k++) prior.dense[k * classes + c] = (sum[k] as number) * scale;
  }
  return prior;
}

/** Adds each row's vector, times `weight`, to the sum of its class. */
function addVectors(sums: Float32Array, rows: LabelledRows, weight: number): Float32Array {
  for (let row = 0; row < rows.count; row++) {
    const vector = vectorOf(rows, row);
    const offset = (rows.labels[row] as number) * rows.dimensions;
    for (let k = 0; k < rows.dimensions; k++)
      sums[offset + k] = (sums[offset + k] as number) + weight * (vector[k] as number);
  }
  return sums;
}
