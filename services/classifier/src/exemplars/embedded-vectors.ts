import type { Database, RootDatabase, Transaction } from 'lmdb';
import { toBytes, toVector } from './vector-bytes.js';

/** What EmbeddedVectors keeps in `meta`. */
export interface ModelRecords {
  get(name: 'model' | 'origin' | 'slot' | 'nextModel'): unknown;
  putSync(name: string, value: string | number): void;
  removeSync(name: string): void;
}

/**
 * Vectors of the model that has one for every exemplar, and of the one that is to follow it: two
 * databases that take turns, so that the change from one model to the other is one small write.
 */
export class EmbeddedVectors {
  readonly #slots: readonly Database<Buffer, string>[];

  constructor(
    root: RootDatabase,
    private readonly meta: ModelRecords,
  ) {
    this.#slots = ['vectors', 'vectors-2'].map((name) => root.openDB({ name, encoding: 'binary' }));
  }

  /** Digest of the model that has a vector for every exemplar. */
  get model(): string | undefined {
    return this.meta.get('model')?.toString();
  }

  /** Where that model was found. */
  get origin(): string | undefined {
    return this.meta.get('origin')?.toString();
  }

  /** Makes room for the vectors of a model, beside those of `model`. Inside a transaction. */
  prepare(model: string): void {
    if (this.model === undefined) this.meta.putSync('model', model);
    if (model === this.model || model === this.meta.get('nextModel')) return;
    this.#slot(1).clearSync();
    this.meta.putSync('nextModel', model);
  }

  /**
   * From now on `model` is the one that has all vectors; false when it was before. Inside a
   * transaction.
   */
  adopt(model: string, origin: string): boolean {
    if (origin !== this.origin) this.meta.putSync('origin', origin);
    if (model === this.model) return false;
    this.meta.putSync('model', model);
    this.meta.putSync('slot', 1 - this.#current);
    this.meta.removeSync('nextModel');
    return true;
  }

  /** Forgets the vectors of all models but the one that has all. */
  async clearOthers(): Promise<void> {
    if (this.meta.get('nextModel') === undefined) await this.#slot(1).clearAsync();
  }

  count(model: string): number {
    return this.#of(model)?.getCount() ?? 0;
  }

  get(id: string, model: string, transaction?: Transaction): Float32Array | undefined {
    const bytes = this.#of(model)?.get(id, transaction && { transaction });
    return bytes && toVector(bytes);
  }

  put(id: string, model: string, vector: Float32Array): void {
    this.#of(model)?.putSync(id, toBytes(vector));
  }

  remove(id: string): void {
    for (const slot of this.#slots) slot.removeSync(id);
  }

  get #current(): number {
    return Number(this.meta.get('slot') ?? 0);
  }

  #slot(after: 0 | 1): Database<Buffer, string> {
    return this.#slots[(this.#current + after) % 2] as Database<Buffer, string>;
  }

  #of(model: string): Database<Buffer, string> | undefined {
    if (model === this.model) return this.#slot(0);
    return model === this.meta.get('nextModel') ? this.#slot(1) : undefined;
  }
}
