/** Knots that are kept of a distribution of any size. */
const MAX_KNOTS = 512;
/**
 * Closenesses as they were measured over small sets of natural prompts, from 2 intents of 3
 * exemplars to 10 of 30 (quantiles .1, .4, .6, .9): they count as four exemplars beside the real
 * ones, so that with next to none there is something to go by, and with many they do not matter.
 */
const TYPICAL = [8, 11, 13, 16];
const SHORTEST_TAIL = 0.5;

/**
 * What a raw closeness g means: the share of the intents' own exemplars, each seen by a scoring
 * that did not know it, that are as far from their intent or farther. With m of n below g it is
 * about (m + 1) / (n + 1), a conformal p-value (Vovk et al., 2005); between two of them it is
 * interpolated, and beyond both ends it falls off exponentially, so that it never stands still.
 */
export interface ScopeScale {
  /** Exemplars that are counted. */
  count: number;
  /** Ascending closenesses; knot i has the score (i + 1) / (knots + 1). */
  knots: Float64Array;
  /** Closeness over which the score falls by a factor e below the first knot. */
  tail: number;
}

export function scopeScale(closenesses: readonly number[]): ScopeScale {
  const sorted = Float64Array.from([...closenesses, ...TYPICAL]).sort();
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] as number;
  const size = Math.min(MAX_KNOTS, sorted.length);
  return {
    count: closenesses.length,
    knots: Float64Array.from({ length: size }, (_, i) => at((i + 0.5) / size)),
    // An exponential tail loses from the median to the 5 % quantile ln 10 times its length.
    tail: Math.max(SHORTEST_TAIL, (at(0.5) - at(0.05)) / Math.LN10),
  };
}

/** 0 to 1, strictly growing with `closeness`. */
export function scopeScore({ knots, tail }: ScopeScale, closeness: number): number {
  const step = 1 / (knots.length + 1);
  const first = knots[0] as number;
  const last = knots.at(-1) as number;
  if (closeness <= first) return step * Math.exp((closeness - first) / tail);
  if (closeness >= last) return 1 - step * Math.exp((last - closeness) / tail);
  let [low, high] = [0, knots.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((knots[middle] as number) <= closeness) low = middle;
    else high = middle;
  }
  const [below, above] = [knots[low] as number, knots[high] as number];
  const part = above > below ? (closeness - below) / (above - below) : 0;
  return step * (low + 1 + part);
}
