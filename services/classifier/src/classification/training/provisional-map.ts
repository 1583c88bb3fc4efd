import type { HeldOut } from './out-of-fold.js';

/** Fewer pairs than this say little about the scale. */
const MIN_ROWS = 10;

/**
 * A straight line from the logits of centroids to those of a trained head, through the means of
 * both for the right classes and for the wrong ones: with it a class that has only a centroid can
 * stand beside trained ones. The identity where there is too little to go by.
 */
export function provisionalMap(heldOut: readonly HeldOut[]): { slope: number; offset: number } {
  const identity = { slope: 1, offset: 0 };
  const right = { trained: 0, centroid: 0, count: 0 };
  const wrong = { trained: 0, centroid: 0, count: 0 };
  for (const { label, logits, centroidLogits } of heldOut) {
    if (!centroidLogits) continue;
    for (let c = 0; c < logits.length; c++) {
      const of = c === label ? right : wrong;
      of.trained += logits[c] as number;
      of.centroid += centroidLogits[c] as number;
      of.count++;
    }
  }
  if (right.count < MIN_ROWS || wrong.count === 0) return identity;
  const run = right.centroid / right.count - wrong.centroid / wrong.count;
  const rise = right.trained / right.count - wrong.trained / wrong.count;
  if (!(run > 0) || !(rise > 0)) return identity;
  const slope = rise / run;
  return { slope, offset: right.trained / right.count - slope * (right.centroid / right.count) };
}
