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

/** What a score can be based on. */
export interface Evidence {
  text: string;
  /** L2-normalised embedding of `text`. */
  vector: Float32Array;
  /** Nearest first. */
  neighbours: readonly ScoredNeighbour[];
}

/** How a prompt becomes an intent. Pure: the same evidence and thresholds give the same score. */
export interface Scorer {
  /** Neighbours this scorer wants to see. */
  readonly neighbours: number;
  /** `threshold` gives an intent's own threshold, or null for the default. */
  score(evidence: Evidence, threshold: (intent: string) => number | null): Score;
}
