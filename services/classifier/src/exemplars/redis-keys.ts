/**
 * Every key of the exemplars. All share one hash tag, so that scripts may use them in one step on
 * Redis Cluster. None but those with a life time may be evicted.
 *
 * | key, after `{PREFIX}:exemplars:` | type | content | life |
 * | --- | --- | --- | --- |
 * | `meta` | hash | `version`; `last`: token of the change that made it; `settings`: JSON | for ever |
 * | `intents` | hash | name -> `{description, threshold}` as JSON | until deleted |
 * | `places` | hash | id -> `INTENT\tPOSITION` | until removed |
 * | `listing` | sorted set, by name | `INTENT\tPOSITION\tID` | until removed |
 * | `texts` | hash | id -> text | until removed |
 * | `vectors:MODEL` | hash | id -> float32, little endian, 4 * dimensions bytes | a month after no replica uses the model |
 * | `head:MODEL` | hash | `trainedOn`; `bytes` | the same |
 * | `models` | hash | digest of a model -> `{usedAt, origin}`: when a replica last used it, ms, and where it was found | the same |
 * | `changes` | stream | `VERSION-0` -> `token`; `after`: token of the change before; `change`: JSON without texts, vectors and heads | the last `KEPT_CHANGES` |
 * | `outcome:TOKEN` | string | what a write came to, JSON | `OUTCOME_MS` after it, or what an import asks for |
 * | `claim:TASK` | string | token of the replica that does it | `CLAIM_MS` after it was last renewed |
 *
 * MODEL is the digest of the embedding model. POSITION is the version that put the exemplar there
 * and its number within that change, both of fixed width, so that names sort as they were added.
 */
export class RedisKeys {
  readonly meta: string;
  readonly intents: string;
  readonly places: string;
  readonly listing: string;
  readonly texts: string;
  readonly vectors: string;
  readonly head: string;
  readonly models: string;
  readonly changes: string;
  readonly #base: string;

  constructor(
    prefix: string,
    readonly model: string,
  ) {
    this.#base = `{${prefix}}:exemplars`;
    const named = (name: string) => `${this.#base}:${name}`;
    this.meta = named('meta');
    this.intents = named('intents');
    this.places = named('places');
    this.listing = named('listing');
    this.texts = named('texts');
    this.vectors = named(`vectors:${model}`);
    this.head = named(`head:${model}`);
    this.models = named('models');
    this.changes = named('changes');
  }

  outcome(token: string): string {
    return `${this.#base}:outcome:${token}`;
  }

  claim(task: string): string {
    return `${this.#base}:claim:${task}`;
  }

  /** Of another model. */
  of(model: string): Pick<RedisKeys, 'vectors' | 'head'> {
    return { vectors: `${this.#base}:vectors:${model}`, head: `${this.#base}:head:${model}` };
  }
}
