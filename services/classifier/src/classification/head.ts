import type { QualityReport } from '@switchyard/contracts';
import type { Blend } from './blend.js';
import type { CompactFeatures } from './lexical.js';
import type { ScopeScale } from './scope-scale.js';

/** Raised when an older head can no longer be read; it is then trained again. */
export const HEAD_FORMAT = 2;

export interface HeadIntent {
  name: string;
  /** Exemplars it was trained on. */
  exemplars: number;
  /** Digest of the name and description it was trained with. */
  about: string;
}

/** Everything training finds out: the same exemplars, names and descriptions give the same head. */
export interface Head {
  format: typeof HEAD_FORMAT;
  modelDigest: string;
  /** Version of the exemplars. */
  trainedOn: number;
  /** The classes, by name. */
  intents: HeadIntent[];
  dimensions: number;
  /** HeadWeights.parameters. */
  parameters: Float32Array;
  words: CompactFeatures;
  /** Sum of each intent's exemplar vectors, [C, d]. */
  sums: Float32Array;
  blend: Blend;
  scope: ScopeScale;
  /** A centroid's logit 10 cos becomes slope * 10 cos + offset, to compare with trained ones. */
  provisional: { slope: number; offset: number };
  report: QualityReport;
}
