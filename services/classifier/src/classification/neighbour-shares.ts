/** Neighbours that vote. */
export const VOTERS = 20;
/** Softness of the vote. */
const TEMPERATURE = 0.05;
/** Share of the vote that is spread evenly, so that no class is ever impossible. */
const SMOOTHING = 0.02;
/** Exemplars of a class whose similarity says how close a text is to it. */
const CLOSEST = 3;

/** Nearest neighbours of one text: classes and cosines, nearest first. */
export interface Voters {
  classes: ArrayLike<number>;
  similarities: ArrayLike<number>;
}

/**
 * K, the similarity-weighted vote of the nearest neighbours (Dudani, 1976, with an exponential
 * weight) over `classes` classes, into `shares`:
 * 0.98 * sum over neighbours of the class of exp(s / 0.05) / sum over all + 0.02 / C.
 */
export function neighbourShares({ classes, similarities }: Voters, shares: Float64Array): void {
  shares.fill(classes.length > 0 ? SMOOTHING / shares.length : 1 / shares.length);
  const nearest = similarities[0] ?? 0;
  let total = 0;
  for (let i = 0; i < classes.length; i++)
    total += Math.exp(((similarities[i] as number) - nearest) / TEMPERATURE);
  for (let i = 0; i < classes.length; i++) {
    const weight = Math.exp(((similarities[i] as number) - nearest) / TEMPERATURE) / total;
    const c = classes[i] as number;
    shares[c] = (shares[c] as number) + (1 - SMOOTHING) * weight;
  }
}

/**
 * Mean cosine of up to the three nearest neighbours of a class. When none of the neighbours is of
 * the class, its exemplars are no closer than the farthest neighbour.
 */
export function closeness({ classes, similarities }: Voters, wanted: number): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < classes.length && count < CLOSEST; i++)
    if (classes[i] === wanted) {
      sum += similarities[i] as number;
      count++;
    }
  return count > 0 ? sum / count : (similarities[similarities.length - 1] ?? 0);
}
