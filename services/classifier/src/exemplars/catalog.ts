import { type Intent, Settings } from '@switchyard/contracts';
import { decodeHead } from '../classification/head-codec.js';
import { Scoring } from '../classification/scoring.js';
import { aboutDigest, aboutText } from '../classification/training/about.js';
import type { Exemplar, ExemplarKey } from './exemplar.js';
import { ExemplarIndex, type IndexedNeighbour } from './exemplar-index.js';
import type { Change, ExemplarStore, IntentRecord } from './exemplar-store.js';
import type { IndexSnapshots } from './index-snapshots.js';
import { reconcile } from './reconcile.js';
import type { StoredHead } from './stored-head.js';

export interface CatalogOptions {
  dimensions: number;
  /** Heads trained with another model's vectors are not used. */
  modelDigest: string;
}

/**
 * What this replica classifies with: the intents, the index and the scoring, brought to a version by
 * applying changes in order. `version` and everything read in the same tick belong together.
 */
export class Catalog {
  readonly #intents = new Map<string, IntentRecord>();
  readonly #listeners = new Set<(version: number) => void>();
  readonly #resetListeners = new Set<() => void>();
  readonly #index: ExemplarIndex;
  #scoring: Scoring;
  #settings = Settings.parse({});
  #version = 0;
  #stopSnapshots = async () => {};

  constructor(
    private readonly options: CatalogOptions,
    index = new ExemplarIndex(options.dimensions),
  ) {
    this.#index = index;
    this.#scoring = this.#scoringWith(undefined);
  }

  /**
   * Loads everything stored, without embedding anything, and follows every change from then on.
   * With `snapshots` it starts from the newest, and keeps writing them.
   */
  static async follow(
    store: ExemplarStore,
    options: CatalogOptions,
    snapshots?: Pick<IndexSnapshots, 'loadOrCreate' | 'keep'>,
  ): Promise<Catalog> {
    const catalog = new Catalog(options, await snapshots?.loadOrCreate());
    const apply = async (change: Change) => {
      if (change.type === 'exemplars-added') await catalog.room();
      catalog.apply(change);
    };
    // What changes while everything is read may be in it already: applying it again is the same.
    let meanwhile: Change[] | undefined = [];
    store.onChange(async (change) => {
      if (meanwhile) meanwhile.push(change);
      else await apply(change);
    });
    const reading = catalog.#readAnew(store);
    store.onReload(async () => {
      await reading.catch(() => undefined);
      meanwhile?.splice(0);
      await catalog.#readAnew(store);
      catalog.retire();
    });
    await reading;
    for (let next = meanwhile.shift(); next; next = meanwhile.shift()) await apply(next);
    meanwhile = undefined;
    await store.caughtUp();
    if (snapshots) {
      const keeping = snapshots.keep(catalog.#index, () => catalog.#version);
      catalog.onVersion(() => keeping.changed());
      catalog.#stopSnapshots = () => keeping.close();
    }
    return catalog;
  }

  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#index.size;
  }

  apply(change: Change): void {
    switch (change.type) {
      case 'exemplars-added':
        for (const intent of change.intents) this.#intents.set(intent.name, intent);
        for (const exemplar of change.exemplars) this.#put(exemplar, change.version);
        break;
      case 'exemplar-removed':
        this.#leave(change.id);
        this.#index.remove(change.id);
        break;
      case 'intent-put':
        this.#intents.set(change.intent.name, change.intent);
        break;
      case 'intent-deleted':
        this.#intents.delete(change.name);
        this.#index.removeIntent(change.name);
        this.#scoring.forget(change.name);
        break;
      case 'settings-put':
        this.#settings = change.settings;
        break;
      case 'head-put':
        this.#scoring = this.#scoringWith(change.head);
        break;
      case 'nothing':
        break;
    }
    this.#version = change.version;
    for (const listener of this.#listeners) listener(change.version);
  }

  /** Calls back after every change; returns the function that stops it. */
  onVersion(listener: (version: number) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back when versions count from somewhere else: an answer of before may share its version. */
  onReset(listener: () => void): () => void {
    this.#resetListeners.add(listener);
    return () => this.#resetListeners.delete(listener);
  }

  /** Another catalog answers from now on, or versions count from somewhere else. */
  retire(): void {
    for (const listener of this.#resetListeners) listener();
  }

  intent(name: string): Intent | undefined {
    const record = this.#intents.get(name);
    return record && { ...record, exemplars: this.#index.sizeOf(name) };
  }

  intents(): Intent[] {
    return [...this.#intents.values()]
      .map((record) => ({ ...record, exemplars: this.#index.sizeOf(record.name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get settings(): Settings {
    return this.#settings;
  }

  get scoring(): Scoring {
    return this.#scoring;
  }

  /** Whether the scoring is trained on the exemplars, names and descriptions there are. */
  get isTrained(): boolean {
    const { head, isCurrent } = this.#scoring;
    if (this.size === 0) return true;
    return (
      isCurrent &&
      (head?.intents ?? []).every(({ name, about }) => {
        const intent = this.#intents.get(name);
        return intent && aboutDigest(aboutText(intent)) === about;
      })
    );
  }

  threshold(intent: string): number | null {
    return this.#intents.get(intent)?.threshold ?? null;
  }

  nearest(vector: Float32Array, k: number): IndexedNeighbour[] {
    return this.#index.search(vector, k);
  }

  keys(): Iterable<ExemplarKey> {
    return this.#index.entries();
  }

  /** A view that is valid until the exemplar is removed. */
  vectorOf(id: string): Float32Array | undefined {
    return this.#index.vectorOf(id);
  }

  /** Resolves when the index can take more; await it before a change that adds exemplars. */
  room(): Promise<void> {
    return this.#index.room();
  }

  /** Writes the snapshot that is outstanding; applies no more changes. */
  async close(): Promise<void> {
    await this.#stopSnapshots();
    await this.#index.close();
  }

  async #readAnew(store: ExemplarStore): Promise<void> {
    const { version } = store;
    const intents = await store.intents();
    this.#intents.clear();
    for (const intent of intents) this.#intents.set(intent.name, intent);
    await reconcile(this.#index, store);
    const [settings, head] = [await store.settings(), await store.head()];
    this.#settings = settings;
    this.#scoring = this.#scoringWith(head);
    this.#version = version;
    for (const listener of this.#listeners) listener(version);
  }

  #put({ id, intent, vector }: Exemplar, version: number): void {
    // It was read already.
    if ((this.#index.get(id)?.version ?? -1) >= version) return;
    this.#leave(id);
    const key = { id, intent, version };
    this.#index.put(key, vector);
    this.#scoring.enter(key, this.#index.vectorOf(id) ?? vector);
  }

  #leave(id: string): void {
    const [key, vector] = [this.#index.get(id), this.#index.vectorOf(id)];
    if (key && vector) this.#scoring.leave(key, vector);
  }

  #scoringWith(stored: StoredHead | undefined): Scoring {
    const { dimensions, modelDigest } = this.options;
    const head = stored && decodeHead(stored.bytes, modelDigest);
    return new Scoring(dimensions, head, this.#index.entries(), (id) => this.#index.vectorOf(id));
  }
}
