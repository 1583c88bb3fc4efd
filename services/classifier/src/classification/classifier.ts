import type { Classification, Neighbour } from '@switchyard/contracts';
import type { Embedder, Priority } from '../embedding/embedder.js';
import type { Catalog } from '../exemplars/catalog.js';
import type { IndexedNeighbour } from '../exemplars/exemplar-index.js';
import type { Scoring } from './scoring.js';

const DEFAULT_SHOWN_NEIGHBOURS = 5;

export interface ClassifyOptions {
  /** Show the nearest exemplars. */
  explain?: boolean | undefined;
  /** How many of them. */
  k?: number | undefined;
  /** Aborts when nobody waits for the answer any more. */
  signal?: AbortSignal | undefined;
  /** `live` unless said. */
  priority?: Priority | undefined;
}

/** An answer, and what it was decided by: versions may count from somewhere else, scorings do not come again. */
interface Decided {
  version: number;
  scoring: Scoring;
  answer: Classification;
}

/** One text, one forward pass, one search, one scoring step. */
export class Classifier {
  /** By the embedding: of texts whose embedding is remembered, and for as long as it is. */
  readonly #decided = new WeakMap<Float32Array, Decided>();

  constructor(
    private readonly embedder: Embedder,
    private readonly catalog: Catalog,
    private readonly textsOf: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>,
  ) {}

  async classify(text: string, options: ClassifyOptions = {}): Promise<Classification> {
    const { explain, k, ...embedding } = options;
    const { vector } = await this.embedder.embed(text, embedding);
    const shown = explain || k !== undefined ? (k ?? DEFAULT_SHOWN_NEIGHBOURS) : 0;
    if (shown === 0) return this.#known(vector) ?? this.#decide(text, vector, 0).answer;
    const { answer, nearest } = this.#decide(text, vector, shown);
    return { ...answer, neighbours: await this.#withTexts(nearest.slice(0, shown)) };
  }

  #known(vector: Float32Array): Classification | undefined {
    const decided = this.#decided.get(vector);
    const { version, scoring } = this.catalog;
    return decided?.version === version && decided.scoring === scoring ? decided.answer : undefined;
  }

  /** Without an await: the answer belongs to the `indexVersion` it names. */
  #decide(text: string, vector: Float32Array, shown: number) {
    const { scoring, settings, version } = this.catalog;
    const nearest = this.catalog.nearest(vector, Math.max(shown, scoring.voters));
    const { ranked, scopeScore } = scoring.score({ text, vector, neighbours: nearest });
    const best = ranked[0];
    const threshold = best && (this.catalog.threshold(best.intent) ?? settings.alpha);
    const inScope = threshold !== undefined && scopeScore >= threshold;
    const answer: Classification = {
      intent: best && inScope ? best.intent : null,
      confidence: best?.confidence ?? 0,
      score: scopeScore,
      scopeScore,
      inScope,
      alternatives: ranked,
      indexVersion: version,
    };
    this.#decided.set(vector, { version, scoring, answer });
    return { answer, nearest };
  }

  /** One that was removed since the decision has no text any more. */
  async #withTexts(nearest: readonly IndexedNeighbour[]): Promise<Neighbour[]> {
    const texts = await this.textsOf(nearest.map(({ id }) => id));
    return nearest.map(({ id, intent, similarity }) => {
      return { id, intent, text: texts.get(id) ?? '', similarity };
    });
  }
}
