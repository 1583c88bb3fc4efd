/** Neighbours that vote. */
export const VOTERS = 20;
/** Softness of the vote. */
const TEMPERATURE = 0.05;
/** Share of the vote that is spread evenly, so that no class is ever impossible. */
const SMOOTHING = 0.02;
/** Exemplars of a class whose similarity says how close a text is to it. */
const CLOSEST = 3;
/** A cosine counts as much as a logit of a prior of length 10. */
const SIMILARITY_WEIGHT = 10;

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
export function neighbourShares(voters: Voters, shares: Float64Array): void {
  const { classes } = voters;
  shares.fill((classes.length > 0 ? SMOOTHING : 1) / shares.length);
  for (const [i, weight] of voteWeights(voters).entries()) {
    const c = classes[i] as number;
    shares[c] = (shares[c] as number) + (1 - SMOOTHING) * weight;
  }
}

/** What each neighbour's vote counts; together 1. */
export function voteWeights({ similarities }: Pick<Voters, 'similarities'>): Float64Array {
  const nearest = similarities[0] ?? 0;
  const weights = Float64Array.from(similarities, (similarity) =>
    Math.exp((similarity - nearest) / TEMPERATURE),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** g: how close a text is to a class, logit + 10 * mean similarity of its nearest exemplars. */
export const closeness = (logit: number, voters: Voters, wanted: number) =>
  logit + SIMILARITY_WEIGHT * meanSimilarity(voters, wanted);

/**
 * Mean cosine of up to the three nearest neighbours of a class. When none of the neighbours is of
 * the class, its exemplars are no closer than the farthest neighbour.
 */
export function meanSimilarity({ classes, similarities }: Voters, wanted: number): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < classes.length && count < CLOSEST; i++)
    if (classes[i] === wanted) {
      sum += similarities[i] as number;
      count++;
    }
  return count > 0 ? sum / count : (similarities[similarities.length - 1] ?? 0);
}
