import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OnConflict, Settings } from '@switchyard/contracts';
import { ConfigError } from '@switchyard/service-kit';
import { ChangeSequence } from './change-sequence.js';
import { type Claim, soleClaim } from './claim.js';
import type { CorpusSource } from './corpus.js';
import { claimStore } from './embedded-claim.js';
import { checkDatabaseFile } from './embedded-file.js';
import { EmbeddedTables } from './embedded-tables.js';
import { EmbeddedWriter } from './embedded-writer.js';
import type { Exemplar, ExemplarKey, StoredExemplar } from './exemplar.js';
import type {
  AddOptions,
  AddOutcome,
  Change,
  ExemplarStore,
  IntentPatch,
  IntentRecord,
  StoredPage,
} from './exemplar-store.js';
import { found } from './found.js';
import type { StoredHead } from './stored-head.js';
import { type EarlierModel, embedAll, type VectorModel } from './vector-model.js';

/** Between two attempts to embed with the model that a change was not made with. */
const PAUSE_MS = 100;

export interface EmbeddedStoreOptions extends VectorModel {
  directory: string;
  maxIntents: number;
}

/** What the stores of several models in one process share. */
interface Shared {
  path: string;
  tables: EmbeddedTables;
  changes: ChangeSequence;
  maxIntents: number;
  /** Stores that are open. */
  users: number;
}

/** Exemplars in LMDB, for one process. One change is one transaction. */
export class EmbeddedExemplarStore implements ExemplarStore {
  readonly #writer: EmbeddedWriter;
  readonly #stops: (() => void)[] = [];
  readonly #closing = new AbortController();

  private constructor(
    private readonly shared: Shared,
    private readonly model: VectorModel,
  ) {
    shared.users++;
    this.#writer = new EmbeddedWriter({ ...shared, model: model.modelDigest });
  }

  /** Rejects with ConfigError when the directory cannot be used, or is in use. */
  static async open(options: EmbeddedStoreOptions): Promise<EmbeddedExemplarStore> {
    const { directory, maxIntents, modelDigest, embed } = options;
    let tables: EmbeddedTables | undefined;
    try {
      mkdirSync(directory, { recursive: true });
      const path = join(directory, 'exemplars.lmdb');
      checkDatabaseFile(path);
      tables = new EmbeddedTables(path);
      await claimStore(tables, directory);
      const changes = new ChangeSequence(tables);
      const shared = { path, tables, changes, maxIntents, users: 0 };
      return await EmbeddedExemplarStore.#of(shared, { modelDigest, embed });
    } catch (error) {
      await tables?.close();
      if (error instanceof ConfigError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConfigError([`DATA_DIR: ${directory} cannot be used: ${reason}`]);
    }
  }

  static async #of(shared: Shared, model: VectorModel): Promise<EmbeddedExemplarStore> {
    const { tables } = shared;
    await tables.transaction(() => tables.vectors.prepare(model.modelDigest));
    return new EmbeddedExemplarStore(shared, model);
  }

  private get tables(): EmbeddedTables {
    return this.shared.tables;
  }

  get version(): number {
    return this.tables.version;
  }

  get source(): CorpusSource {
    return { kind: 'embedded', path: this.shared.path, modelDigest: this.model.modelDigest };
  }

  async intents(): Promise<IntentRecord[]> {
    return this.tables.intents();
  }

  async *exemplars(): AsyncGenerator<StoredExemplar> {
    yield* this.tables.exemplars(this.model.modelDigest);
  }

  async *keys(): AsyncGenerator<ExemplarKey> {
    yield* this.tables.keys();
  }

  async texts(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return found(ids, (id) => this.tables.exemplar(id)?.text);
  }

  async vectors(ids: readonly string[]): Promise<ReadonlyMap<string, Float32Array>> {
    const { modelDigest, embed } = this.model;
    const vectors = found(ids, (id) => this.tables.vectors.get(id, modelDigest));
    if (!embed || vectors.size === ids.length) return vectors;
    const texts = await this.texts(ids.filter((id) => !vectors.has(id)));
    if (texts.size === 0) return vectors;
    const embedded = await embedAll(texts, embed);
    await this.tables.transaction(() => {
      for (const [id, vector] of embedded)
        if (this.tables.exemplar(id)) this.tables.vectors.put(id, modelDigest, vector);
    });
    return new Map([...vectors, ...embedded]);
  }

  async page(intent: string, limit: number, cursor: string | undefined): Promise<StoredPage> {
    return this.tables.page(intent, limit, cursor);
  }

  async settings(): Promise<Settings> {
    return this.tables.settings;
  }

  async head(): Promise<StoredHead | undefined> {
    return this.tables.head(this.model.modelDigest);
  }

  add(
    exemplars: readonly Exemplar[],
    onConflict: OnConflict,
    options?: AddOptions,
  ): Promise<AddOutcome> {
    return this.#writer.add(exemplars, onConflict, options);
  }

  remove(intent: string, id: string): Promise<boolean> {
    return this.#writer.remove(intent, id);
  }

  putIntent(name: string, patch: IntentPatch): Promise<void> {
    return this.#writer.putIntent(name, patch);
  }

  deleteIntent(name: string): Promise<boolean> {
    return this.#writer.deleteIntent(name);
  }

  putSettings(patch: Partial<Settings>): Promise<Settings> {
    return this.#writer.putSettings(patch);
  }

  putHead(head: StoredHead): Promise<boolean> {
    return this.#writer.putHead(head);
  }

  onChange(listener: (change: Change) => void | Promise<void>): void {
    const stop = this.shared.changes.onChange(async (change, model) =>
      listener(model === this.model.modelDigest ? change : await this.#translated(change)),
    );
    this.#stops.push(stop);
  }

  /** Nobody else writes, and changes are heard as they are made. */
  onReload(): void {}

  async caughtUp(): Promise<void> {
    await this.shared.changes.settled();
  }

  async lacking(): Promise<number> {
    const { exemplarCount, vectors } = this.tables;
    return Math.max(0, exemplarCount - vectors.count(this.model.modelDigest));
  }

  async earlierModels(): Promise<EarlierModel[]> {
    const { model: modelDigest, origin } = this.tables.vectors;
    if (modelDigest === undefined || modelDigest === this.model.modelDigest) return [];
    return [{ modelDigest, origin }];
  }

  withModel(model: VectorModel): Promise<EmbeddedExemplarStore> {
    return EmbeddedExemplarStore.#of(this.shared, model);
  }

  async adoptModel(origin: string): Promise<void> {
    const { tables } = this;
    const { modelDigest } = this.model;
    await tables.transaction(() => {
      if (tables.vectors.adopt(modelDigest, origin)) tables.removeOtherHeads(modelDigest);
    });
    await tables.vectors.clearOthers();
  }

  async claim(): Promise<Claim> {
    return soleClaim();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.shared.changes.settled();
    for (const stop of this.#stops) stop();
    if (--this.shared.users > 0) return;
    try {
      await this.tables.transaction(() => this.tables.setOwner(undefined));
    } finally {
      await this.tables.close();
    }
  }

  /** A change that was made with vectors of another model. */
  async #translated(change: Change): Promise<Change> {
    if (change.type === 'head-put') return { version: change.version, type: 'nothing' };
    if (change.type !== 'exemplars-added') return change;
    const vectors = await this.#vectorsOfOwn(change.exemplars.map(({ id }) => id));
    const exemplars = change.exemplars.flatMap((exemplar) => {
      const vector = vectors.get(exemplar.id);
      return vector ? [{ ...exemplar, vector }] : [];
    });
    return { ...change, exemplars };
  }

  /** The change is made: what embeds may be overloaded for a while, and the vectors are needed. */
  async #vectorsOfOwn(ids: readonly string[]): Promise<ReadonlyMap<string, Float32Array>> {
    for (;;) {
      try {
        return await this.vectors(ids);
      } catch {
        if (this.#closing.signal.aborted) return new Map();
        await sleep(PAUSE_MS);
      }
    }
  }
}
