import type { Alternative } from '@switchyard/contracts';

export interface ScoredNeighbour {
  intent: string;
  /** Cosine, -1 to 1. */
  similarity: number;
}

export interface Score {
  /** Best first; confidences are shares of 1. Empty when there is nothing to compare with. */
  ranked: Alternative[];
  /** How close the prompt is to what the best intent's exemplars are about. */
  score: number;
  /** False: too far from the best intent to be meant by it. */
  inScope: boolean;
}

/** How neighbours become an intent. Pure: the same neighbours and thresholds give the same score. */
export interface Scorer {
  /** Neighbours this scorer wants to see. */
  readonly neighbours: number;
  /** `threshold` gives an intent's own threshold, or null for the default. */
  score(
    neighbours: readonly ScoredNeighbour[],
    threshold: (intent: string) => number | null,
  ): Score;
}
