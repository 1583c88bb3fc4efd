import type { InferenceSession } from 'onnxruntime-node';
import type { Grams } from '../lexical.js';
import { VOTERS, type Voters } from '../neighbour-shares.js';
import { centroidWeights, type FittedHead } from './fit-head.js';
import { stratifiedFolds } from './folds.js';
import { type LabelledRows, selectRows, vectorOf } from './labelled-rows.js';
import { type NearestRows, nearestRows } from './nearest-rows.js';

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
  /** Rows of its own fold that are nearest to it, itself among them. */
  mates: Pick<NearestRows, 'rows' | 'similarities'>;
  /** Of the class centroids alone; only for the first rows of each fold. */
  centroidLogits: Float32Array | undefined;
}

/** Rows of a fold for which the centroids are asked, too. */
const CENTROID_ROWS = 400;
/** Nearest rows of the own fold that are kept; they only show what says the same. */
const MATES = 4;
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
    const own = othersThan(training, rows.count);
    const mates = await nearestRows(sessions.nearest, asked, selectRows(rows, own), MATES);
    for (const [position, row] of heldOut.entries()) {
      const logits = new Float32Array(rows.classes);
      const vector = vectorOf(asked, position);
      weights.logits(vector, features.vector(asked.grams[position] as Grams), logits);
      const centroidLogits = position < CENTROID_ROWS ? new Float32Array(rows.classes) : undefined;
      if (centroidLogits) centroids.logits(vector, NO_WORDS, centroidLogits);
      const ofNearest = [position * nearest.k, (position + 1) * nearest.k] as const;
      const voting = nearest.rows.subarray(...ofNearest);
      const ofMates = [position * mates.k, (position + 1) * mates.k] as const;
      found.push({
        row,
        label: rows.labels[row] as number,
        logits,
        voters: {
          classes: voting.map((neighbour) => known.labels[neighbour] as number),
          similarities: nearest.similarities.subarray(...ofNearest),
        },
        neighbours: voting.map((neighbour) => training[neighbour] as number),
        mates: {
          rows: mates.rows.subarray(...ofMates).map((mate) => own[mate] as number),
          similarities: mates.similarities.subarray(...ofMates),
        },
        centroidLogits,
      });
    }
  }
  return found.sort((a, b) => a.row - b.row);
}

/** The numbers below `count` that are not among some, which ascend. */
function othersThan(some: readonly number[], count: number): number[] {
  const others: number[] = [];
  let next = 0;
  for (let row = 0; row < count; row++)
    if (some[next] === row) next++;
    else others.push(row);
  return others;
}
