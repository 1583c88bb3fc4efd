import { setTimeout as sleep } from 'node:timers/promises';
import type { Reembedding } from '@switchyard/contracts';
import type { Logger } from '@switchyard/service-kit';
import type { ChosenModel } from './embedding/choose-model.js';
import type { Embedder } from './embedding/embedder.js';
import type { Engine } from './engine.js';
import type { ExemplarStore } from './exemplars/exemplar-store.js';
import { reEmbed } from './exemplars/re-embedding.js';
import type { EarlierModel, VectorModel } from './exemplars/vector-model.js';
import type { SharedJobs } from './ingestion/shared-jobs.js';

/** So few vectors are made sooner than another model is loaded. */
const FEW = 64;
const PAUSE_MS = 5000;
/** An engine that gets no new requests may finish those it has. */
const GRACE_MS = 10_000;
/** How long the new model waits for its head before it serves without. */
const LEARNING_MS = 600_000;
const LOADING = 'the model or the index is still loading';

/** The model that was chosen, or the one that serves until that is ready. */
export type Role = 'chosen' | 'earlier';

export interface ServingOptions {
  model: ChosenModel;
  /** Shown while the store is being opened. */
  waitingForStore: string;
  openStore(model: VectorModel): Promise<ExemplarStore>;
  startEmbedder(model: ChosenModel, role: Role): Promise<Embedder>;
  startEngine(store: ExemplarStore, embedder: Embedder, role: Role): Promise<Engine>;
  /** Undefined when it is no longer there. */
  findModel(earlier: EarlierModel): Promise<ChosenModel | undefined>;
  jobs: SharedJobs;
  closing: AbortSignal;
  logger: Logger;
}

interface Parts {
  model: ChosenModel;
  store: ExemplarStore;
  embedder: Embedder;
}

/**
 * Serves with the chosen model. While exemplars have no vectors of it, they get them in the
 * background, and the model of before serves if it is still there; otherwise nobody does.
 */
export class Serving {
  readonly #retiring = new Set<Engine>();
  #engine: Engine | undefined;
  #reembedding: Reembedding | undefined;
  #waitingFor = LOADING;

  constructor(private readonly options: ServingOptions) {}

  /** Undefined while there is nothing to serve with, and again from `close` on. */
  get engine(): Engine | undefined {
    return this.options.closing.aborted ? undefined : this.#engine;
  }

  /** What there is to wait for while there is no engine. */
  get waitingFor(): string {
    const { model, done, total } = this.#reembedding ?? {};
    if (model === undefined) return this.#waitingFor;
    return `the exemplars are being embedded with ${model}: ${done} of ${total}`;
  }

  /** Undefined when all exemplars have vectors of the chosen model. */
  get reembedding(): Reembedding | undefined {
    return this.#reembedding;
  }

  /** Resolves when an engine serves. Rejects when one cannot be started. */
  async start(): Promise<void> {
    const { model, openStore } = this.options;
    this.#waitingFor = this.options.waitingForStore;
    const chosen = await this.#load(model, 'chosen', openStore);
    if ((await chosen.store.lacking()) <= FEW) return this.#serveChosen(chosen);
    const before = await this.#startEarlier(chosen.store);
    const change = this.#change(chosen, before);
    if (!before) return change;
    change.catch((error: unknown) => {
      if (this.options.closing.aborted) return;
      this.options.logger.error({ err: error }, 'the model could not be changed');
    });
  }

  /** Finishes the chunks of imports at work, and closes everything. */
  async close(): Promise<void> {
    await this.options.jobs.close();
    const engines = [...this.#retiring, ...(this.#engine ? [this.#engine] : [])];
    this.#engine = undefined;
    for (const engine of engines) await engine.close();
  }

  async #load(
    model: ChosenModel,
    role: Role,
    openStore: (model: VectorModel) => Promise<ExemplarStore>,
  ): Promise<Parts> {
    let embedder: Embedder | undefined;
    const store = await openStore({
      modelDigest: model.modelDigest,
      async embed(text) {
        if (!embedder) throw new Error(`${model.modelName} is not loaded yet`);
        return (await embedder.embed(text, { priority: 'bulk' })).vector;
      },
    });
    this.#waitingFor = LOADING;
    embedder = await this.options.startEmbedder(model, role);
    return { model, store, embedder };
  }

  async #startEarlier(store: ExemplarStore): Promise<Engine | undefined> {
    const { findModel, startEngine, logger } = this.options;
    for (const earlier of await store.earlierModels()) {
      const model = await findModel(earlier);
      if (!model) continue;
      const open = (one: VectorModel) => store.withModel(one);
      const parts = await this.#load(model, 'earlier', open);
      this.#engine = await startEngine(parts.store, parts.embedder, 'earlier');
      logger.info({ model: model.modelName }, 'serving with the model of before');
      return this.#engine;
    }
    return undefined;
  }

  /** Embeds everything with the chosen model, however long it takes, and serves with it. */
  async #change(chosen: Parts, before: Engine | undefined): Promise<void> {
    const { closing, logger } = this.options;
    const { modelName } = chosen.model;
    logger.info({ model: modelName }, 'embedding the exemplars with another model');
    const progress = { model: modelName, done: 0, total: 0 };
    this.#reembedding = progress;
    for (;;) {
      try {
        await reEmbed(chosen.store, progress, closing);
        return await this.#serveChosen(chosen, before);
      } catch (error) {
        closing.throwIfAborted();
        logger.error({ err: error, ...progress }, 'the model could not be changed, trying again');
        await sleep(PAUSE_MS, undefined, { signal: closing });
      }
    }
  }

  async #serveChosen({ model, store, embedder }: Parts, before?: Engine): Promise<void> {
    const { startEngine, jobs, closing, logger } = this.options;
    const engine = await startEngine(store, embedder, 'chosen');
    if (before) {
      const { trainer, catalog } = engine;
      const patience = AbortSignal.any([closing, AbortSignal.timeout(LEARNING_MS)]);
      await trainer.settled(catalog.version, patience).catch((error: unknown) => {
        logger.warn({ err: error }, 'serving with a model whose scoring is not trained yet');
      });
    }
    try {
      await store.adoptModel(model.model);
    } catch (error) {
      await engine.stop();
      throw error;
    }
    jobs.handOver(engine.ingestion);
    this.#engine = engine;
    this.#reembedding = undefined;
    const { size, version } = engine.catalog;
    if (before) logger.info({ model: model.modelName, exemplars: size }, 'the model was changed');
    else logger.info({ exemplars: size, indexVersion: version }, 'ready');
    if (before) this.#retire(before);
  }

  #retire(engine: Engine): void {
    const { closing, logger } = this.options;
    engine.catalog.retire();
    this.#retiring.add(engine);
    sleep(GRACE_MS, undefined, { signal: closing, ref: false })
      .then(() => {
        if (this.#retiring.delete(engine)) return engine.close();
      })
      .catch((error: unknown) => {
        if (!closing.aborted) logger.error({ err: error }, 'the engine of before not closed');
      });
  }
}
