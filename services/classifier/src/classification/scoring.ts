import type { Alternative } from '@switchyard/contracts';
import type { ExemplarKey } from '../exemplars/exemplar.js';
import { argmax, type Blend, blend, maximum } from './blend.js';
import type { Head } from './head.js';
import { HeadWeights } from './head-weights.js';
import { gramsOf, LexicalFeatures } from './lexical.js';
import { closeness, neighbourShares, VOTERS, voteWeights } from './neighbour-shares.js';
import { type ScopeScale, scopeScale, scopeScore } from './scope-scale.js';
import { type ScoringClass, ScoringClasses } from './scoring-classes.js';
import { LIKELY } from './training/calibrate.js';

/** What is shown of the classes that did not win. */
const MAX_RANKED = 5;

/** What a score is based on. */
export interface Evidence {
  text: string;
  /** L2-normalised embedding of `text`. */
  vector: Float32Array;
  /** Nearest first; only the first VOTERS count. */
  neighbours: readonly { intent: string; similarity: number; version: number }[];
}

export interface Score {
  /** Best first, at most MAX_RANKED; confidences are probabilities over all classes. */
  ranked: Alternative[];
  /** 0 to 1: share of the intents' own exemplars that are as far from their intent or farther. */
  scopeScore: number;
}

/** The head as it is used, and what stands in for it before there is one. */
interface Fitted {
  weights: HeadWeights;
  features: LexicalFeatures;
  blend: Blend;
  scope: ScopeScale;
  provisional: { slope: number; offset: number };
}

const untrained = (dimensions: number): Fitted => ({
  weights: new HeadWeights(dimensions, 0),
  features: LexicalFeatures.count([]),
  blend: { scale: LIKELY.scale, lambda: LIKELY.lambda },
  scope: scopeScale([]),
  provisional: { slope: 1, offset: 0 },
});

/**
 * How a prompt becomes an intent: a trained head over embedding and words, blended with the vote of
 * the nearest exemplars. What the head has not learned yet counts from the next call on, through
 * the neighbours and a provisional centroid.
 */
export class Scoring {
  readonly #fitted: Fitted;
  readonly #changes: ScoringClasses;
  readonly head: Head | undefined;

  /** `present` are the exemplars there are now. */
  constructor(
    dimensions: number,
    head: Head | undefined,
    present: Iterable<ExemplarKey>,
    vectorOf: (id: string) => Float32Array | undefined,
  ) {
    this.head = head;
    this.#changes = new ScoringClasses(dimensions, head, present, vectorOf);
    this.#fitted = head
      ? {
          weights: new HeadWeights(dimensions, head.intents.length, head.parameters),
          features: LexicalFeatures.from(head.words),
          blend: head.blend,
          scope: head.scope,
          provisional: head.provisional,
        }
      : untrained(dimensions);
  }

  /** Whether the head was trained on exactly the exemplars there are. */
  get isCurrent(): boolean {
    return this.#changes.isCurrent;
  }

  /** Neighbours that `score` wants to see. */
  get voters(): number {
    return VOTERS;
  }

  enter(key: ExemplarKey, vector: Float32Array): void {
    this.#changes.enter(key, vector);
  }

  leave(key: ExemplarKey, vector: Float32Array): void {
    this.#changes.leave(key, vector);
  }

  forget(intent: string): void {
    this.#changes.forget(intent);
  }

  score({ text, vector, neighbours }: Evidence): Score {
    const classes = this.#changes.classes();
    if (classes.length === 0) return { ranked: [], scopeScore: 0 };
    const positions = new Map(classes.map(({ intent }, position) => [intent, position]));
    // While everything is read anew the index is ahead: of an intent there is no class of yet.
    const voting = neighbours.filter(({ intent }) => positions.has(intent)).slice(0, VOTERS);
    const voters = {
      classes: voting.map(({ intent }) => positions.get(intent) as number),
      similarities: voting.map(({ similarity }) => similarity),
    };
    const logits = this.#logits(text, vector, classes);
    const shares = new Float64Array(classes.length);
    neighbourShares(voters, shares);
    blend(logits, shares, this.#blendFor(voting));
    const best = argmax(shares);
    return {
      ranked: ranked(classes, shares),
      scopeScore: scopeScore(this.#fitted.scope, closeness(maximum(logits), voters, best)),
    };
  }

  /**
   * Of neighbours that the head has not seen it knows nothing: their share of the vote counts in
   * full, lambda' = lambda + (1 - lambda) * share.
   */
  #blendFor(voting: Evidence['neighbours']): Blend {
    const { scale, lambda } = this.#fitted.blend;
    if (!this.head) return { scale, lambda };
    const weights = voteWeights({ similarities: voting.map(({ similarity }) => similarity) });
    let unseen = 0;
    for (const [i, neighbour] of voting.entries())
      if (this.#changes.isFresh(neighbour)) unseen += weights[i] as number;
    return { scale, lambda: lambda + (1 - lambda) * unseen };
  }

  #logits(text: string, vector: Float32Array, classes: readonly ScoringClass[]): Float32Array {
    const { weights, features, provisional } = this.#fitted;
    const ofHead = new Float32Array(weights.classes);
    if (this.head) weights.logits(vector, features.vector(gramsOf(text)), ofHead);
    return Float32Array.from(classes, ({ column, centroid }) => {
      const trained = column === undefined ? Number.NEGATIVE_INFINITY : (ofHead[column] as number);
      if (!centroid) return trained;
      const { slope, offset } = provisional;
      return Math.max(trained, slope * dot(centroid, vector) + offset);
    });
  }
}

function ranked(classes: readonly ScoringClass[], shares: Float64Array): Alternative[] {
  const best: Alternative[] = [];
  for (const [i, confidence] of shares.entries()) {
    if (best.length === MAX_RANKED && confidence <= (best.at(-1)?.confidence ?? 0)) continue;
    let at = best.length;
    while (at > 0 && (best[at - 1]?.confidence ?? 0) < confidence) at--;
    best.splice(at, 0, { intent: classes[i]?.intent ?? '', confidence });
    if (best.length > MAX_RANKED) best.pop();
  }
  return best;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
