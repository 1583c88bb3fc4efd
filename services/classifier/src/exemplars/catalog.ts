import type { Intent } from '@switchyard/contracts';
import type { ExemplarKey } from './exemplar.js';
import { ExemplarIndex, type IndexedNeighbour } from './exemplar-index.js';
import type { Change, ExemplarStore, IntentRecord } from './exemplar-store.js';
import type { IndexSnapshots } from './index-snapshots.js';
import { reconcile } from './reconcile.js';

/**
 * What this replica classifies with: the intents and the index, brought to a version by applying
 * changes in order. `version` and everything read in the same tick belong together.
 */
export class Catalog {
  readonly #intents = new Map<string, IntentRecord>();
  readonly #listeners = new Set<(version: number) => void>();
  readonly #resetListeners = new Set<() => void>();
  readonly #index: ExemplarIndex;
  #version = 0;
  #stopSnapshots = async () => {};

  constructor(dimensions: number, index = new ExemplarIndex(dimensions)) {
    this.#index = index;
  }

  /**
   * Loads everything stored, without embedding anything, and follows every change from then on.
   * With `snapshots` it starts from the newest, and keeps writing them.
   */
  static async follow(
    store: ExemplarStore,
    dimensions: number,
    snapshots?: IndexSnapshots,
  ): Promise<Catalog> {
    const catalog = new Catalog(dimensions, await snapshots?.loadOrCreate());
    await catalog.#readAnew(store);
    store.onReload(async () => {
      await catalog.#readAnew(store);
      for (const listener of catalog.#resetListeners) listener();
    });
    store.onChange(async (change) => {
      if (change.type === 'exemplars-added') await catalog.room();
      catalog.apply(change);
    });
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
        for (const { id, intent, vector } of change.exemplars)
          this.#index.put({ id, intent, version: change.version }, vector);
        break;
      case 'exemplar-removed':
        this.#index.remove(change.id);
        break;
      case 'intent-put':
        this.#intents.set(change.intent.name, change.intent);
        break;
      case 'intent-deleted':
        this.#intents.delete(change.name);
        this.#index.removeIntent(change.name);
        break;
      case 'settings-put':
      case 'head-put':
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

  intent(name: string): Intent | undefined {
    const record = this.#intents.get(name);
    return record && { ...record, exemplars: this.#index.sizeOf(name) };
  }

  intents(): Intent[] {
    return [...this.#intents.values()]
      .map((record) => ({ ...record, exemplars: this.#index.sizeOf(record.name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
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
    this.#version = version;
    for (const listener of this.#listeners) listener(version);
  }
}
