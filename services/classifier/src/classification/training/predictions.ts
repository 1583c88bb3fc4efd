import { argmax, type Blend, blend, maximum } from '../blend.js';
import { closeness, neighbourShares } from '../neighbour-shares.js';
import type { HeldOut } from './out-of-fold.js';

/** What the blend says of a row that it did not see. */
export interface Prediction {
  row: number;
  label: number;
  predicted: number;
  confidence: number;
  /** Probability of the row's own class. */
  ownShare: number;
  /** g of the predicted class, and what it would be for the row's own. */
  closeness: number;
  ownCloseness: number;
}

export function predictions(
  heldOut: readonly HeldOut[],
  weights: Blend,
  classes: number,
): Prediction[] {
  const shares = new Float64Array(classes);
  return heldOut.map(({ row, label, logits, voters }) => {
    neighbourShares(voters, shares);
    blend(logits, shares, weights);
    const predicted = argmax(shares);
    return {
      row,
      label,
      predicted,
      confidence: shares[predicted] as number,
      ownShare: shares[label] as number,
      closeness: closeness(maximum(logits), voters, predicted),
      ownCloseness: closeness(logits[label] as number, voters, label),
    };
  });
}
