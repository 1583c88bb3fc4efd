import { setImmediate } from 'node:timers/promises';
import type { Intent } from '@switchyard/contracts';
import { ExemplarIndex, type IndexedNeighbour } from './exemplar-index.js';
import type { Change, ExemplarStore, IntentRecord } from './exemplar-store.js';

/** An exemplar takes up to 1 ms to put into the graph; in between, `/health` is answered. */
const LOADED_AT_ONCE = 32;

/**
 * What this replica classifies with: the intents and the index, brought to a version by applying
 * changes in order. `version` and everything read in the same tick belong together.
 */
export class Catalog {
  readonly #intents = new Map<string, IntentRecord>();
  readonly #listeners = new Set<(version: number) => void>();
  readonly #index: ExemplarIndex;
  #version = 0;

  constructor(dimensions: number) {
    this.#index = new ExemplarIndex(dimensions);
  }

  /**
   * Loads everything stored, without embedding anything, and follows every change from then on.
   * Nothing may change until it resolves.
   */
  static async follow(store: ExemplarStore, dimensions: number): Promise<Catalog> {
    const catalog = new Catalog(dimensions);
    for (const intent of await store.intents()) catalog.#intents.set(intent.name, intent);
    for await (const { id, intent, vector } of store.exemplars()) {
      catalog.#index.put(id, intent, vector);
      if (catalog.size % LOADED_AT_ONCE === 0) await setImmediate();
    }
    catalog.#version = store.version;
    store.onChange((change) => catalog.apply(change));
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
        for (const { id, intent, vector } of change.exemplars) this.#index.put(id, intent, vector);
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
}
