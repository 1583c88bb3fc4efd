import { setTimeout as sleep } from 'node:timers/promises';
import type { QualityReport } from '@switchyard/contracts';
import type { Logger } from '@switchyard/service-kit';
import type { Embedder } from '../../embedding/embedder.js';
import { fewAtATime } from '../../embedding/few-at-a-time.js';
import type { Catalog } from '../../exemplars/catalog.js';
import type { ExemplarStore } from '../../exemplars/exemplar-store.js';
import { type About, aboutText } from './about.js';
import type { TrainingChild } from './training-child.js';

/** Training begins when nothing changed for this long... */
const QUIET_MS = 200;
/** ...or when the first change it would learn is this old, or five times as old as one takes. */
const PATIENCE_MS = 2000;
const PATIENCE_FACTOR = 5;
/** Between two looks at whether another replica has trained. */
const CLAIM_PAUSE_MS = 250;
/** Names of so few intents are embedded sooner than threads are started for them. */
const FEW_NAMES = 64;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Failures in a row after which nobody is left waiting. */
const HOPELESS = 3;

export interface TrainerOptions {
  catalog: Catalog;
  store: ExemplarStore;
  embedder: Embedder;
  child: Pick<TrainingChild, 'train' | 'interrupt' | 'close'>;
  logger: Logger;
}

interface Waiter {
  version: number;
  resolve: () => void;
  reject: (reason: Error) => void;
}

/**
 * Keeps the scoring trained on the exemplars there are, some time after every change. Of several
 * replicas one trains, and all take over what it has learned.
 */
export class Trainer {
  readonly #waiters = new Set<Waiter>();
  readonly #about = new Map<string, About>();
  readonly #closing = new AbortController();
  readonly #stopListening: () => void;
  #running: Promise<void> | undefined;
  /** The report of before the changes that go on. */
  #before: QualityReport | undefined;
  #lastChange = 0;
  #lastMs = 0;
  #failures = 0;
  /** How often everything stored became something else. */
  #resets = 0;

  constructor(private readonly options: TrainerOptions) {
    const stops = [
      options.catalog.onVersion(() => this.#changed()),
      options.catalog.onReset(() => {
        this.#resets++;
        this.#before = undefined;
      }),
    ];
    this.#stopListening = () => {
      for (const stop of stops) stop();
    };
    this.#changed();
  }

  /** Whether training is under way or about to begin. */
  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** How long the last training took, 0 before there was one. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /**
   * Resolves when the scoring that serves was trained on the exemplars of `version` or newer ones.
   * Rejects when training keeps failing, or when `signal` aborts.
   */
  async settled(version: number, signal?: AbortSignal): Promise<void> {
    if (this.#isSettled(version)) return;
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const leave = () => waiter.reject(signal?.reason);
      const done = (then: () => void) => () => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', leave);
        then();
      };
      const waiter: Waiter = {
        version,
        resolve: done(resolve),
        reject: (reason) => done(() => reject(reason))(),
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  async close(): Promise<void> {
    this.#stopListening();
    this.#closing.abort();
    this.options.child.close();
    await this.#running;
    for (const waiter of this.#waiters) waiter.reject(new Error('the classifier is stopping'));
  }

  #changed(): void {
    this.#lastChange = performance.now();
    for (const waiter of this.#waiters) if (this.#isSettled(waiter.version)) waiter.resolve();
    if (this.#running || this.options.catalog.isTrained) return;
    this.#before = this.options.catalog.scoring.head?.report;
    this.#begin();
  }

  /** What came during a training is learned at once, as part of the same additions. */
  #begin(): void {
    if (this.#closing.signal.aborted) return;
    this.#running = this.#learn().finally(() => {
      this.#running = undefined;
      if (!this.options.catalog.isTrained) this.#begin();
    });
  }

  #isSettled(version: number): boolean {
    const { scoring, isTrained } = this.options.catalog;
    return (scoring.head?.trainedOn ?? -1) >= version || isTrained;
  }

  /** Never rejects. */
  async #learn(): Promise<void> {
    const { logger } = this.options;
    const { signal } = this.#closing;
    try {
      await this.#quiet();
      await this.#trainInTurn();
      this.#failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (await this.#isStoreAway()) {
        await sleep(FIRST_PAUSE_MS, undefined, { signal }).catch(() => undefined);
        return;
      }
      this.#failures++;
      logger.error({ err: error, failures: this.#failures }, 'training failed, trying again');
      if (this.#failures >= HOPELESS)
        for (const waiter of this.#waiters)
          waiter.reject(new Error('the scoring could not be trained; the log says why'));
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A store that is away is back some time, and no fault of the training. */
  async #isStoreAway(): Promise<boolean> {
    return this.options.store.caughtUp(this.#closing.signal).then(
      () => false,
      () => true,
    );
  }

  /** Resolves when changes have paused, or have gone on for long enough. */
  async #quiet(): Promise<void> {
    const { signal } = this.#closing;
    const deadline = performance.now() + Math.max(PATIENCE_MS, PATIENCE_FACTOR * this.#lastMs);
    for (;;) {
      const now = performance.now();
      const left = Math.min(this.#lastChange + QUIET_MS, deadline) - now;
      if (left <= 0) return;
      await sleep(left, undefined, { signal });
    }
  }

  /** Trains if that is to be done when no other replica does it. */
  async #trainInTurn(): Promise<void> {
    const { catalog, store, child } = this.options;
    const { signal } = this.#closing;
    const asked = performance.now();
    let hasWaited = false;
    while (!catalog.isTrained) {
      const claim = await store.claim('training');
      if (!claim) {
        hasWaited = true;
        await sleep(CLAIM_PAUSE_MS, undefined, { signal });
        continue;
      }
      const stop = () => child.interrupt();
      claim.lost.addEventListener('abort', stop, { once: true });
      try {
        await store.caughtUp(signal);
        if (!catalog.isTrained) await this.#train(claim.lost);
      } finally {
        claim.lost.removeEventListener('abort', stop);
        await claim.release();
      }
      return;
    }
    // What it took another replica it would take this one.
    if (hasWaited) this.#lastMs = performance.now() - asked;
  }

  async #train(lost: AbortSignal): Promise<void> {
    const { catalog, store, embedder, child, logger } = this.options;
    const started = performance.now();
    const resets = this.#resets;
    const about = await this.#aboutIntents();
    this.#closing.signal.throwIfAborted();
    lost.throwIfAborted();
    const head = await child.train({
      source: store.source,
      modelDigest: embedder.modelDigest,
      dimensions: embedder.dimensions,
      about,
      before: this.#before,
    });
    this.#closing.signal.throwIfAborted();
    if (resets !== this.#resets) return;
    await store.putHead(head);
    this.#lastMs = performance.now() - started;
    const { intents = [], report } = catalog.scoring.head ?? {};
    const { trainedOn } = head;
    const { exemplars, accuracy } = report ?? {};
    const trainedMs = Math.round(this.#lastMs);
    logger.info({ trainedOn, intents: intents.length, exemplars, accuracy, trainedMs }, 'trained');
  }

  /** What is said of each intent, embedded once. */
  async #aboutIntents(): Promise<ReadonlyMap<string, About>> {
    const { catalog, embedder } = this.options;
    const intents = catalog.intents().filter(({ exemplars }) => exemplars > 0);
    const priority = intents.length > FEW_NAMES ? 'bulk' : 'live';
    await fewAtATime(embedder, intents, async (intent) => {
      const text = aboutText(intent);
      if (this.#about.get(intent.name)?.text === text) return;
      const { vector } = await embedder.embed(text, { priority });
      this.#about.set(intent.name, { text, vector });
    });
    const names = new Set(intents.map(({ name }) => name));
    for (const name of this.#about.keys()) if (!names.has(name)) this.#about.delete(name);
    return this.#about;
  }
}
