import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { OnConflict } from '@switchyard/contracts';
import { ConfigError } from '@switchyard/service-kit';
import { tooManyIntents } from '../errors.js';
import { DirectoryLock } from './directory-lock.js';
import { EmbeddedTables } from './embedded-tables.js';
import type { Exemplar } from './exemplar.js';
import type {
  AddOutcome,
  Change,
  ExemplarStore,
  IntentPatch,
  IntentRecord,
  StoredPage,
} from './exemplar-store.js';

export interface EmbeddedStoreOptions {
  directory: string;
  modelDigest: string;
  maxIntents: number;
}

type WithoutVersion<C> = C extends Change ? Omit<C, 'version'> : never;

/** Exemplars in LMDB, for one process. One change is one transaction. */
export class EmbeddedExemplarStore implements ExemplarStore {
  readonly #listeners: ((change: Change) => void)[] = [];
  /** Changes run one after the other, so that listeners hear them in the order of `version`. */
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly tables: EmbeddedTables,
    private readonly lock: DirectoryLock,
    private readonly maxIntents: number,
  ) {}

  /** Rejects with ConfigError when another process uses the directory or its model is another. */
  static async open(options: EmbeddedStoreOptions): Promise<EmbeddedExemplarStore> {
    const { directory, modelDigest, maxIntents } = options;
    mkdirSync(directory, { recursive: true });
    const lock = DirectoryLock.take(directory);
    const tables = new EmbeddedTables(join(directory, 'exemplars.lmdb'));
    const store = new EmbeddedExemplarStore(tables, lock, maxIntents);
    const stored = tables.model;
    if (stored === modelDigest) return store;
    if (stored === undefined) {
      await tables.transaction(() => {
        tables.model = modelDigest;
      });
      return store;
    }
    await store.close();
    throw new ConfigError([
      `DATA_DIR: the exemplars in ${directory} were embedded with another model (${stored}); ` +
        'use that model, or export them and import them into an empty DATA_DIR',
    ]);
  }

  get version(): number {
    return this.tables.version;
  }

  intents(): IntentRecord[] {
    return this.tables.intents();
  }

  exemplars(): Iterable<Exemplar> {
    return this.tables.exemplars();
  }

  text(id: string): string | undefined {
    return this.tables.exemplar(id)?.text;
  }

  vector(id: string): Float32Array | undefined {
    return this.tables.vector(id);
  }

  page(intent: string, limit: number, cursor: string | undefined): StoredPage {
    return this.tables.page(intent, limit, cursor);
  }

  async add(exemplars: readonly Exemplar[], onConflict: OnConflict): Promise<AddOutcome> {
    const outcome: AddOutcome = { added: [], duplicates: [], conflicts: [] };
    await this.#change(() => {
      const fresh = new Map<string, string>();
      for (const exemplar of exemplars) {
        const heldBy = fresh.get(exemplar.id) ?? this.tables.exemplar(exemplar.id)?.intent;
        const mayMove = onConflict === 'move' && !fresh.has(exemplar.id);
        if (heldBy === exemplar.intent) outcome.duplicates.push(exemplar);
        else if (heldBy !== undefined && !mayMove) outcome.conflicts.push({ exemplar, heldBy });
        else {
          outcome.added.push(exemplar);
          fresh.set(exemplar.id, exemplar.intent);
        }
      }
      if (outcome.added.length === 0) return undefined;
      const names = [...new Set(outcome.added.map((exemplar) => exemplar.intent))];
      this.#checkIntentLimit(names);
      const intents = names.map((name) => this.#intentOrNew(name));
      for (const intent of intents) this.tables.putIntent(intent);
      for (const exemplar of outcome.added) this.tables.putExemplar(exemplar);
      return { type: 'exemplars-added', exemplars: outcome.added, intents };
    });
    return outcome;
  }

  async remove(intent: string, id: string): Promise<boolean> {
    return this.#change(() => {
      if (this.tables.exemplar(id)?.intent !== intent) return undefined;
      this.tables.deleteExemplar(id);
      return { type: 'exemplar-removed', id };
    });
  }

  async putIntent(name: string, patch: IntentPatch): Promise<void> {
    await this.#change(() => {
      this.#checkIntentLimit([name]);
      const before = this.#intentOrNew(name);
      const intent = {
        name,
        description: patch.description ?? before.description,
        threshold: patch.threshold === undefined ? before.threshold : patch.threshold,
      };
      this.tables.putIntent(intent);
      return { type: 'intent-put', intent };
    });
  }

  async deleteIntent(name: string): Promise<boolean> {
    return this.#change(() => {
      if (!this.tables.intent(name)) return undefined;
      this.tables.deleteIntent(name);
      return { type: 'intent-deleted', name };
    });
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.tables.close();
    this.lock.release();
  }

  /** Commits what `body` wrote under the next version and tells the listeners; false if it made no change. */
  #change(body: () => WithoutVersion<Change> | undefined): Promise<boolean> {
    const commit = async () => {
      const change = await this.tables.transaction(() => {
        const made = body();
        if (!made) return undefined;
        this.tables.version += 1;
        return { ...made, version: this.tables.version } as Change;
      });
      if (change) for (const listener of this.#listeners) listener(change);
      return change !== undefined;
    };
    const result = this.#tail.then(commit);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  #checkIntentLimit(names: readonly string[]): void {
    const fresh = names.filter((name) => !this.tables.intent(name)).length;
    if (fresh > 0 && this.tables.intentCount + fresh > this.maxIntents)
      throw tooManyIntents(this.maxIntents);
  }

  #intentOrNew(name: string): IntentRecord {
    return { name, ...(this.tables.intent(name) ?? { description: '', threshold: null }) };
  }
}
