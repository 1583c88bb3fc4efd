import type { InferenceSession } from 'onnxruntime-node';
import { HeadWeights } from '../head-weights.js';
import type { LexicalFeatures } from '../lexical.js';
import { headObjective } from './head-objective.js';
import { type LabelledRows, vectorOf } from './labelled-rows.js';
import { minimize } from './lbfgs.js';

/** Length of a column of the prior: logits between classes 10 cosines apart. */
export const PRIOR_LENGTH = 10;
const ITERATIONS = 30;

/**
 * Multinomial logistic regression over [embedding; words] with its weights drawn towards the class
 * centroids. Starts at the prior: the same rows in the same order give the same head.
 */
export async function fitHead(
  session: InferenceSession,
  rows: LabelledRows,
  features: LexicalFeatures,
): Promise<HeadWeights> {
  const words = rows.grams.map((grams) => features.vector(grams));
  const prior = centroidPrior(rows);
  const objective = headObjective(session, rows, words, prior);
  const parameters = await minimize(objective, prior.parameters, ITERATIONS);
  return new HeadWeights(rows.dimensions, rows.classes, parameters);
}

/** W0: the sum of each class's vectors, scaled to PRIOR_LENGTH, and nothing for the words. */
export function centroidPrior(rows: LabelledRows): HeadWeights {
  const { dimensions, classes } = rows;
  const prior = new HeadWeights(dimensions, classes);
  const sums = new Float64Array(dimensions * classes);
  for (let row = 0; row < rows.count; row++) {
    const vector = vectorOf(rows, row);
    const label = rows.labels[row] as number;
    for (let k = 0; k < dimensions; k++)
      sums[k * classes + label] = (sums[k * classes + label] as number) + (vector[k] as number);
  }
  for (let c = 0; c < classes; c++) {
    let squares = 0;
    for (let k = 0; k < dimensions; k++) squares += (sums[k * classes + c] as number) ** 2;
    const scale = PRIOR_LENGTH / (Math.sqrt(squares) || 1);
    for (let k = 0; k < dimensions; k++)
      prior.dense[k * classes + c] = (sums[k * classes + c] as number) * scale;
  }
  return prior;
}
