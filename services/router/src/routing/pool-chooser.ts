import type { BackendRegistry } from '../backends/backend-registry.js';
import type { Fleet } from '../configuration/schema.js';
import { modelNotFound } from '../errors.js';
import { ClassifierUnavailable } from './classifier-client.js';
import type { Decision } from './decision.js';
import type { Classified, IntentSource } from './intent-source.js';
import { matchKeywords } from './keyword-rules.js';
import { promptText } from './prompt-text.js';

/** Turns of a conversation, newest first, that are looked at for an intent. */
const MAX_TURNS = 8;

export interface Question {
  /** `model` of the request; undefined or "auto" leaves the choice to us. */
  model: string | undefined;
  /** What the human said, newest turn first. */
  turns: readonly string[];
  /** Embeddings are not classified: they go to a model or to the pool for them. */
  kind: 'prompt' | 'embeddings' | 'other';
}

/** From a request's model and prompt to a pool. */
export class PoolChooser {
  constructor(
    private readonly fleet: Fleet,
    private readonly registry: BackendRegistry,
    private readonly intents: Pick<IntentSource, 'classify'>,
  ) {}

  /** Rejects with `model_not_found`; a missing classifier is no reason to reject. */
  async choose({ model, turns, kind }: Question): Promise<Decision> {
    if (model !== undefined && model !== 'auto') return this.#explicit(model);
    if (kind === 'prompt') return this.#byPrompt(turns);
    const forEmbeddings = kind === 'embeddings' ? this.fleet.embeddings : undefined;
    return {
      pool: forEmbeddings ?? this.fleet.default,
      source: 'default',
      reason: forEmbeddings ? 'the pool for embeddings' : 'no model asked for: the default pool',
      classifyMs: 0,
    };
  }

  #explicit(model: string): Decision {
    const name = model.startsWith('pool:') ? model.slice('pool:'.length) : undefined;
    if (name !== undefined && this.registry.pools.has(name))
      return {
        source: 'explicit',
        classifyMs: 0,
        pool: name,
        reason: `the request asks for pool "${name}"`,
      };
    const [first, ...others] = this.registry.poolsServing(model);
    if (!first) throw modelNotFound(model, this.registry.models());
    return {
      source: 'explicit',
      classifyMs: 0,
      pool: first.name,
      otherPools: others.map((pool) => pool.name),
      model,
      reason: `the request asks for model "${model}"`,
    };
  }

  async #byPrompt(turns: readonly string[]): Promise<Decision> {
    const started = performance.now();
    const found = await this.#classifyTurns(turns.slice(0, MAX_TURNS), started);
    const decision =
      'classified' in found
        ? this.#byIntent(found.classified, found.isFollowUp)
        : this.#byKeyword(found.newest, found.why);
    return { ...decision, classifyMs: performance.now() - started };
  }

  /** The newest turn with an intent of its own; a follow-up such as "thanks" has none. */
  async #classifyTurns(
    turns: readonly string[],
    started: number,
  ): Promise<{ classified: Classified; isFollowUp: boolean } | { newest: string; why: string }> {
    let newest = '';
    try {
      for (const turn of turns) {
        const text = promptText(turn, this.fleet.strip);
        if (text === '') continue;
        const leftMs = started + this.fleet.classification.timeoutMs - performance.now();
        if (newest !== '' && leftMs < 1) return { newest, why: 'no confident intent in time' };
        const isFollowUp = newest !== '';
        newest ||= text;
        const classified = await this.intents.classify(text, Math.max(1, Math.ceil(leftMs)));
        if (classified.classification.intent !== null) return { classified, isFollowUp };
      }
      const why = newest === '' ? 'the request holds no text of a human' : 'no confident intent';
      return { newest, why };
    } catch (error) {
      if (!(error instanceof ClassifierUnavailable)) throw error;
      return { newest, why: `the classifier ${error.message}` };
    }
  }

  #byIntent(
    { classification, source }: Classified,
    isFollowUp: boolean,
  ): Omit<Decision, 'classifyMs'> {
    const intent = classification.intent ?? '';
    const { confidence } = classification;
    const pool = this.fleet.routes.get(intent);
    const whose = isFollowUp ? 'a follow-up: an earlier turn is' : 'the prompt is';
    const what = `${whose} "${intent}" (confidence ${confidence.toFixed(3)})`;
    if (pool !== undefined) return { pool, source, intent, confidence, reason: what };
    return {
      pool: this.fleet.default,
      source: 'default',
      intent,
      confidence,
      reason: `${what}, which has no route`,
    };
  }

  #byKeyword(text: string, why: string): Omit<Decision, 'classifyMs'> {
    const match = text === '' ? undefined : matchKeywords(this.fleet.keywords, text);
    if (!match)
      return {
        pool: this.fleet.default,
        source: 'default',
        reason: `${why}, and no keyword rule matches`,
      };
    const { intent, rule } = match;
    const pool = this.fleet.routes.get(intent);
    const what = `${why}; keyword rule ${rule + 1} says "${intent}"`;
    if (pool !== undefined) return { pool, source: 'keyword', intent, reason: what };
    return {
      pool: this.fleet.default,
      source: 'default',
      intent,
      reason: `${what}, which has no route`,
    };
  }
}
