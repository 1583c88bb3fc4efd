import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { OnConflict, Settings } from '@switchyard/contracts';
import { ConfigError } from '@switchyard/service-kit';
import { tooManyIntents } from '../errors.js';
import { ChangeSequence } from './change-sequence.js';
import { type Claim, soleClaim } from './claim.js';
import type { CorpusSource } from './corpus.js';
import { claimStore } from './embedded-claim.js';
import { checkDatabaseFile } from './embedded-file.js';
import { EmbeddedTables } from './embedded-tables.js';
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
import { planAddition } from './plan-addition.js';
import { replaces, type StoredHead } from './stored-head.js';
import { toOutcome, toVerdicts } from './verdicts.js';

export interface EmbeddedStoreOptions {
  directory: string;
  modelDigest: string;
  maxIntents: number;
}

/** Exemplars in LMDB, for one process. One change is one transaction. */
export class EmbeddedExemplarStore implements ExemplarStore {
  readonly #changes: ChangeSequence;

  private constructor(
    private readonly tables: EmbeddedTables,
    readonly source: CorpusSource,
    private readonly maxIntents: number,
  ) {
    this.#changes = new ChangeSequence(tables);
  }

  /** Rejects with ConfigError when the directory cannot be used, is in use, or is another model's. */
  static async open(options: EmbeddedStoreOptions): Promise<EmbeddedExemplarStore> {
    const { directory, maxIntents } = options;
    let tables: EmbeddedTables | undefined;
    try {
      mkdirSync(directory, { recursive: true });
      const path = join(directory, 'exemplars.lmdb');
      checkDatabaseFile(path);
      tables = new EmbeddedTables(path);
      await claimStore(tables, options);
      return new EmbeddedExemplarStore(tables, { kind: 'embedded', path }, maxIntents);
    } catch (error) {
      await tables?.close();
      if (error instanceof ConfigError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConfigError([`DATA_DIR: ${directory} cannot be used: ${reason}`]);
    }
  }

  get version(): number {
    return this.tables.version;
  }

  async intents(): Promise<IntentRecord[]> {
    return this.tables.intents();
  }

  async *exemplars(): AsyncGenerator<StoredExemplar> {
    yield* this.tables.exemplars();
  }

  async *keys(): AsyncGenerator<ExemplarKey> {
    yield* this.tables.keys();
  }

  async texts(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return found(ids, (id) => this.tables.exemplar(id)?.text);
  }

  async vectors(ids: readonly string[]): Promise<ReadonlyMap<string, Float32Array>> {
    return found(ids, (id) => this.tables.vector(id));
  }

  async page(intent: string, limit: number, cursor: string | undefined): Promise<StoredPage> {
    return this.tables.page(intent, limit, cursor);
  }

  async settings(): Promise<Settings> {
    return this.tables.settings;
  }

  async head(): Promise<StoredHead | undefined> {
    return this.tables.head;
  }

  async add(
    exemplars: readonly Exemplar[],
    onConflict: OnConflict,
    { idempotencyKey }: AddOptions = {},
  ): Promise<AddOutcome> {
    let outcome = toOutcome([], []);
    await this.#changes.commit(() => {
      const before = idempotencyKey && this.tables.outcome(idempotencyKey);
      if (before) {
        outcome = toOutcome(exemplars, before);
        return undefined;
      }
      const intentOf = (id: string) => this.tables.exemplar(id)?.intent;
      outcome = planAddition(exemplars, onConflict, intentOf);
      if (outcome.added.length === 0) return undefined;
      const names = [...new Set(outcome.added.map((exemplar) => exemplar.intent))];
      this.#checkIntentLimit(names);
      const intents = names.map((name) => this.#intentOrNew(name));
      for (const intent of intents) this.tables.putIntent(intent);
      const version = this.tables.version + 1;
      for (const exemplar of outcome.added) this.tables.putExemplar(exemplar, version);
      if (idempotencyKey) this.tables.putOutcome(idempotencyKey, toVerdicts(exemplars, outcome));
      return { type: 'exemplars-added', exemplars: outcome.added, intents };
    });
    return outcome;
  }

  async remove(intent: string, id: string): Promise<boolean> {
    return this.#changes.commit(() => {
      if (this.tables.exemplar(id)?.intent !== intent) return undefined;
      this.tables.deleteExemplar(id);
      return { type: 'exemplar-removed', id };
    });
  }

  async putIntent(name: string, patch: IntentPatch): Promise<void> {
    await this.#changes.commit(() => {
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
    return this.#changes.commit(() => {
      if (!this.tables.intent(name)) return undefined;
      this.tables.deleteIntent(name);
      return { type: 'intent-deleted', name };
    });
  }

  async putSettings(patch: Partial<Settings>): Promise<Settings> {
    let settings = this.tables.settings;
    await this.#changes.commit(() => {
      const before = this.tables.settings;
      settings = { ...before, ...patch };
      if (isDeepStrictEqual(settings, before)) return undefined;
      this.tables.settings = settings;
      return { type: 'settings-put', settings };
    });
    return settings;
  }

  async putHead(head: StoredHead): Promise<boolean> {
    return this.#changes.commit(() => {
      const before = this.tables.head;
      if (before && !replaces(head, before)) return undefined;
      this.tables.putHead(head);
      return { type: 'head-put', head };
    });
  }

  onChange(listener: (change: Change) => void | Promise<void>): void {
    this.#changes.onChange(listener);
  }

  /** Nobody else writes, and changes are heard as they are made. */
  onReload(): void {}

  async caughtUp(): Promise<void> {
    await this.#changes.settled();
  }

  async claim(): Promise<Claim> {
    return soleClaim();
  }

  async close(): Promise<void> {
    await this.#changes.settled();
    try {
      await this.tables.transaction(() => this.tables.setOwner(undefined));
    } finally {
      await this.tables.close();
    }
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
