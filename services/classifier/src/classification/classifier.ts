import type { Classification, Neighbour } from '@switchyard/contracts';
import type { Embedder } from '../embedding/embedder.js';
import type { Catalog } from '../exemplars/catalog.js';
import type { IndexedNeighbour } from '../exemplars/exemplar-index.js';
import type { Scorer } from './scorer.js';

const MAX_ALTERNATIVES = 5;
const DEFAULT_SHOWN_NEIGHBOURS = 5;

export interface ClassifyOptions {
  /** Show the nearest exemplars. */
  explain?: boolean | undefined;
  /** How many of them. */
  k?: number | undefined;
  /** Aborts when nobody waits for the answer any more. */
  signal?: AbortSignal | undefined;
}

/** One text, one forward pass, one search, one scoring step. */
export class Classifier {
  constructor(
    private readonly embedder: Embedder,
    private readonly catalog: Catalog,
    private readonly scorer: Scorer,
    private readonly textsOf: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>,
  ) {}

  async classify(text: string, options: ClassifyOptions = {}): Promise<Classification> {
    const { explain, k, signal } = options;
    const { vector } = await this.embedder.embed(text, { signal });
    const shown = explain || k !== undefined ? (k ?? DEFAULT_SHOWN_NEIGHBOURS) : 0;
    const { answer, nearest } = this.#decide(text, vector, shown);
    if (shown === 0) return answer;
    return { ...answer, neighbours: await this.#withTexts(nearest.slice(0, shown)) };
  }

  /** Without an await: the answer belongs to the `indexVersion` it names. */
  #decide(text: string, vector: Float32Array, shown: number) {
    const nearest = this.catalog.nearest(vector, Math.max(shown, this.scorer.neighbours));
    const evidence = { text, vector, neighbours: nearest };
    const scored = this.scorer.score(evidence, (intent) => this.catalog.threshold(intent));
    const best = scored.ranked[0];
    const answer: Classification = {
      intent: best && scored.inScope ? best.intent : null,
      confidence: best?.confidence ?? 0,
      score: scored.score,
      alternatives: scored.ranked.slice(0, MAX_ALTERNATIVES),
      indexVersion: this.catalog.version,
    };
    return { answer, nearest };
  }

  /** One that was removed since the decision has no text any more. */
  async #withTexts(nearest: readonly IndexedNeighbour[]): Promise<Neighbour[]> {
    const texts = await this.textsOf(nearest.map(({ id }) => id));
    return nearest.map((near) => ({ ...near, text: texts.get(near.id) ?? '' }));
  }
}
