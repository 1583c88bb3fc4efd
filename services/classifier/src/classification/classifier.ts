import type { Classification } from '@switchyard/contracts';
import type { Embedder } from '../embedding/embedder.js';
import type { Catalog } from '../exemplars/catalog.js';
import type { Scorer } from './scorer.js';

const MAX_ALTERNATIVES = 5;
const DEFAULT_SHOWN_NEIGHBOURS = 5;

export interface ClassifyOptions {
  /** Show the nearest exemplars. */
  explain?: boolean | undefined;
  /** How many of them. */
  k?: number | undefined;
}

/** One text, one forward pass, one search, one scoring step. */
export class Classifier {
  constructor(
    private readonly embedder: Embedder,
    private readonly catalog: Catalog,
    private readonly scorer: Scorer,
    private readonly textOf: (id: string) => string | undefined,
  ) {}

  async classify(text: string, options: ClassifyOptions = {}): Promise<Classification> {
    const { vector } = await this.embedder.embed(text);
    return this.#decide(vector, options);
  }

  /** Without an await: the answer belongs to the `indexVersion` it names. */
  #decide(vector: Float32Array, { explain, k }: ClassifyOptions): Classification {
    const shown = explain || k !== undefined ? (k ?? DEFAULT_SHOWN_NEIGHBOURS) : 0;
    const nearest = this.catalog.nearest(vector, Math.max(shown, this.scorer.neighbours));
    const scored = this.scorer.score(nearest, (intent) => this.catalog.threshold(intent));
    const best = scored.ranked[0];
    return {
      intent: best && scored.inScope ? best.intent : null,
      confidence: best?.confidence ?? 0,
      score: scored.score,
      alternatives: scored.ranked.slice(0, MAX_ALTERNATIVES),
      ...(shown > 0 && {
        neighbours: nearest
          .slice(0, shown)
          .map((near) => ({ ...near, text: this.textOf(near.id) ?? '' })),
      }),
      indexVersion: this.catalog.version,
    };
  }
}
