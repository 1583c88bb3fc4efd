import type { InferenceSession } from 'onnxruntime-node';
import type { HeadWeights } from '../head-weights.js';
import { LexicalFeatures } from '../lexical.js';
import { VOTERS, type Voters } from '../neighbour-shares.js';
import { fitHead } from './fit-head.js';
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
}

/** Predicts every row that is held out in some fold. `about` is added to the training of each. */
export async function outOfFold(
  sessions: TrainingSessions,
  rows: LabelledRows,
  train: (rows: LabelledRows) => Promise<{ weights: HeadWeights; features: LexicalFeatures }>,
): Promise<HeldOut[]> {
  const found: HeldOut[] = [];
  for (const { heldOut, training } of stratifiedFolds(rows)) {
    const known = selectRows(rows, training);
    const asked = selectRows(rows, heldOut);
    const { weights, features } = await train(known);
    const nearest = await nearestRows(sessions.nearest, asked, known, VOTERS);
    for (const [position, row] of heldOut.entries()) {
      const logits = new Float32Array(rows.classes);
      const grams = asked.grams[position];
      if (!grams) throw new RangeError(`row ${row} has no words`);
      weights.logits(vectorOf(asked, position), features.vector(grams), logits);
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
      });
    }
  }
  return found.sort((a, b) => a.row - b.row);
}
