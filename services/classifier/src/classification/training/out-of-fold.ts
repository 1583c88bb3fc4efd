import type { InferenceSession } from 'onnxruntime-node';
import type { Grams } from '../lexical.js';
import { VOTERS, type Voters } from '../neighbour-shares.js';
import { centroidWeights, type FittedHead } from './fit-head.js';
import { stratifiedFolds } from './folds.js';
import { type LabelledRows, selectRows, vectorOf } from './labelled-rows.js';
import { nearestRows } from './nearest-rows.js';

export interface TrainingSessions {
  objective: InferenceSession;
  nearest: InferenceSession;
}

/** What is known of one row by those of the other folds. */
export interface HeldOut {
  /** Number of the row. */
  row: number;
  label: number;
  /** Of the head, one for each class. */
  logits: Float32Array;
  voters: Voters;
  /** Rows of the voters. */
  neighbours: Int32Array;
  /** Of the class centroids alone; only for the first rows of each fold. */
  centroidLogits: Float32Array | undefined;
}

/** Rows of a fold for which the centroids are asked, too. */
const CENTROID_ROWS = 400;
const NO_WORDS = { indices: new Uint16Array(), values: new Float32Array() };

/** Predicts every row that is held out in some fold, by what `learn` makes of the others. */
export async function outOfFold(
  sessions: TrainingSessions,
  rows: LabelledRows,
  learn: (rows: LabelledRows) => Promise<FittedHead>,
): Promise<HeldOut[]> {
  const found: HeldOut[] = [];
  for (const { heldOut, training } of stratifiedFolds(rows)) {
    const known = selectRows(rows, training);
    const asked = selectRows(rows, heldOut);
    const { weights, features, sums } = await learn(known);
    const centroids = centroidWeights(sums, rows.dimensions);
    const nearest = await nearestRows(sessions.nearest, asked, known, VOTERS);
    for (const [position, row] of heldOut.entries()) {
      const logits = new Float32Array(rows.classes);
      const vector = vectorOf(asked, position);
      weights.logits(vector, features.vector(asked.grams[position] as Grams), logits);
      const centroidLogits = position < CENTROID_ROWS ? new Float32Array(rows.classes) : undefined;
      if (centroidLogits) centroids.logits(vector, NO_WORDS, centroidLogits);
      const own = [position * nearest.k, (position + 1) * nearest.k] as const;
      const voting = nearest.rows.subarray(...own);
      found.push({
        row,
        label: rows.labels[row] as number,
        logits,
        voters: {
          classes: voting.map((neighbour) => known.labels[neighbour] as number),
          similarities: nearest.similarities.subarray(...own),
        },
        neighbours: voting.map((neighbour) => training[neighbour] as number),
        centroidLogits,
      });
    }
  }
  return found.sort((a, b) => a.row - b.row);
}
