import { Settings } from '@switchyard/contracts';
import { type Database, open, type RootDatabase } from 'lmdb';
import { storageFailed } from '../errors.js';
import type { Corpus } from './corpus.js';
import { EmbeddedVectors } from './embedded-vectors.js';
import type { Exemplar, ExemplarKey, StoredExemplar } from './exemplar.js';
import type { IntentRecord, StoredPage } from './exemplar-store.js';
import { ProcessIdentity } from './process-identity.js';
import type { StoredHead } from './stored-head.js';
import type { Verdict } from './verdicts.js';

interface ExemplarRow {
  intent: string;
  text: string;
  /** Position in the listing of its intent. */
  sequence: number;
  /** Missing in rows that were written before there was one. */
  version?: number;
}

interface StoredOutcome {
  verdicts: Verdict[];
  /** Counts up. */
  number: number;
}

/** An import that goes on after a crash repeats at most one chunk: 64 lines, one by one at worst. */
const KEPT_OUTCOMES = 256;

type StoredIntent = Omit<IntentRecord, 'name'>;

/**
 * The LMDB databases of an embedded store, and their keys:
 *
 *   exemplars  id                 -> { intent, text, sequence, version }
 *   vectors    id                 -> float32, little endian, 4 * dimensions bytes; of one model,
 *   vectors-2  the same, of another: which is whose, EmbeddedVectors knows
 *   listing    [intent, sequence] -> id
 *   intents    name               -> { description, threshold }
 *   meta       "version" | "sequence" -> number; "model" -> digest of the model that has all
 *              vectors, "origin" -> where it was found, "slot" -> 0 or 1: where they are,
 *              "nextModel" -> digest of the model of the others;
 *              "owner" -> { pid, startTime } of the process that uses the store;
 *              "settings" -> Settings; "outcomes" -> number of the last one
 *   heads      digest of a model  -> { trainedOn, bytes }; before there were several, "current"
 *   outcomes   key of an addition -> { verdicts, number }, of the last KEPT_OUTCOMES
 *   outcomeKeys number            -> key of an addition
 *
 * The writing methods are for use inside `transaction`.
 */
export class EmbeddedTables {
  readonly #root: RootDatabase;
  readonly #exemplars: Database<ExemplarRow, string>;
  readonly #listing: Database<string, [string, number]>;
  readonly #intents: Database<StoredIntent, string>;
  readonly #heads: Database<StoredHead, string>;
  readonly #outcomes: Database<StoredOutcome, string>;
  readonly #outcomeKeys: Database<string, number>;
  readonly vectors: EmbeddedVectors;
  readonly #meta: Database<number | string | ProcessIdentity | Partial<Settings>, string>;

  constructor(path: string, { readOnly = false } = {}) {
    // With batching by event turn, a commit that fails also rejects a promise that nobody can hold.
    this.#root = open({ path, maxDbs: 12, noSubdir: true, eventTurnBatching: false, readOnly });
    this.#exemplars = this.#root.openDB({ name: 'exemplars' });
    this.#listing = this.#root.openDB({ name: 'listing' });
    this.#intents = this.#root.openDB({ name: 'intents' });
    this.#heads = this.#root.openDB({ name: 'heads' });
    this.#outcomes = this.#root.openDB({ name: 'outcomes' });
    this.#outcomeKeys = this.#root.openDB({ name: 'outcomeKeys' });
    this.#meta = this.#root.openDB({ name: 'meta' });
    this.vectors = new EmbeddedVectors(this.#root, this.#meta);
  }

  /**
   * Runs `action` in one transaction and resolves when it is flushed to disk. LMDB keeps what was
   * written before a throw, so `action` checks everything before its first write. Rejects with
   * `insufficient_storage`, having changed nothing, when the disk does not take it.
   */
  async transaction<T>(action: () => T): Promise<T> {
    try {
      const result = await this.#root.transaction(action);
      await this.#root.flushed;
      return result;
    } catch (error) {
      const { commitError } = error as { commitError?: Promise<never> };
      if (!commitError) throw error;
      throw storageFailed(await commitError.catch((reason: unknown) => reason));
    }
  }

  async close(): Promise<void> {
    await this.#root.close();
  }

  /** All exemplars of one moment that have a vector of the model, whatever is written meanwhile. */
  corpus(model: string): Corpus {
    const transaction = this.#root.useReadTransaction();
    try {
      const version = Number(this.#meta.get('version', { transaction }) ?? 0);
      const exemplars = [...this.#exemplars.getRange({ transaction })].flatMap(({ key, value }) => {
        const { intent, text, version = 0 } = value;
        const vector = this.vectors.get(key, model, transaction);
        return vector ? [{ id: key, intent, text, version, vector }] : [];
      });
      return { version, exemplars };
    } finally {
      transaction.done();
    }
  }

  get version(): number {
    return Number(this.#meta.get('version') ?? 0);
  }

  set version(version: number) {
    this.#meta.putSync('version', version);
  }

  get owner(): ProcessIdentity | undefined {
    return ProcessIdentity.safeParse(this.#meta.get('owner')).data;
  }

  setOwner(owner: ProcessIdentity | undefined): void {
    if (owner) this.#meta.putSync('owner', owner);
    else this.#meta.removeSync('owner');
  }

  get settings(): Settings {
    return Settings.parse(this.#meta.get('settings') ?? {});
  }

  set settings(settings: Settings) {
    this.#meta.putSync('settings', settings);
  }

  head(model: string): StoredHead | undefined {
    return (
      this.#heads.get(model) ??
      (model === this.vectors.model ? this.#heads.get('current') : undefined)
    );
  }

  putHead(model: string, head: StoredHead): void {
    this.#heads.putSync(model, head);
  }

  /** Forgets the heads of all models but one. */
  removeOtherHeads(model: string): void {
    for (const key of [...this.#heads.getKeys()]) if (key !== model) this.#heads.removeSync(key);
  }

  outcome(key: string): Verdict[] | undefined {
    return this.#outcomes.get(key)?.verdicts;
  }

  /** Forgets the one that was KEPT_OUTCOMES before. */
  putOutcome(key: string, verdicts: Verdict[]): void {
    const number = Number(this.#meta.get('outcomes') ?? 0) + 1;
    this.#meta.putSync('outcomes', number);
    this.#outcomes.putSync(key, { verdicts, number });
    this.#outcomeKeys.putSync(number, key);
    const oldest = this.#outcomeKeys.get(number - KEPT_OUTCOMES);
    if (oldest === undefined) return;
    this.#outcomeKeys.removeSync(number - KEPT_OUTCOMES);
    if (this.#outcomes.get(oldest)?.number === number - KEPT_OUTCOMES)
      this.#outcomes.removeSync(oldest);
  }

  intent(name: string): StoredIntent | undefined {
    return this.#intents.get(name);
  }

  get intentCount(): number {
    return this.#intents.getCount();
  }

  intents(): IntentRecord[] {
    return [...this.#intents.getRange()].map(({ key: name, value }) => ({ name, ...value }));
  }

  putIntent({ name, description, threshold }: IntentRecord): void {
    this.#intents.putSync(name, { description, threshold });
  }

  deleteIntent(name: string): void {
    for (const { value: id } of [...this.#listed(name, 0)]) this.deleteExemplar(id);
    this.#intents.removeSync(name);
  }

  exemplar(id: string): ExemplarRow | undefined {
    return this.#exemplars.get(id);
  }

  *exemplars(model: string): Iterable<StoredExemplar> {
    for (const { key: id, value } of this.#exemplars.getRange()) {
      const { intent, text, version = 0 } = value;
      const vector = this.vectors.get(id, model);
      if (vector) yield { id, intent, text, version, vector };
    }
  }

  *keys(): Iterable<ExemplarKey> {
    for (const { key: id, value } of this.#exemplars.getRange())
      yield { id, intent: value.intent, version: value.version ?? 0 };
  }

  get exemplarCount(): number {
    return this.#exemplars.getCount();
  }

  /** Stores a new exemplar, or moves one to the end of another intent's listing. */
  putExemplar(
    { id, intent, text, vector }: Exemplar,
    { version, model }: { version: number; model: string },
  ): void {
    const before = this.#exemplars.get(id);
    if (before) this.#listing.removeSync([before.intent, before.sequence]);
    else this.vectors.put(id, model, vector);
    const sequence = Number(this.#meta.get('sequence') ?? 0) + 1;
    this.#meta.putSync('sequence', sequence);
    this.#exemplars.putSync(id, { intent, text, sequence, version });
    this.#listing.putSync([intent, sequence], id);
  }

  deleteExemplar(id: string): void {
    const stored = this.#exemplars.get(id);
    if (!stored) return;
    this.#exemplars.removeSync(id);
    this.vectors.remove(id);
    this.#listing.removeSync([stored.intent, stored.sequence]);
  }

  page(intent: string, limit: number, cursor: string | undefined): StoredPage {
    if (cursor !== undefined && !/^\d{1,15}$/.test(cursor))
      throw new RangeError('is not a cursor that this listing gave out');
    const from = cursor === undefined ? 0 : Number(cursor) + 1;
    const rows = [...this.#listed(intent, from, limit + 1)];
    const shown = rows.slice(0, limit);
    const exemplars = shown.map(({ value: id }) => ({ id, text: this.exemplar(id)?.text ?? '' }));
    const last = shown.at(-1);
    return { exemplars, nextCursor: rows.length > limit && last ? String(last.key[1]) : null };
  }

  #listed(intent: string, from: number, limit?: number) {
    const start: [string, number] = [intent, from];
    const end: [string, number] = [intent, Number.MAX_SAFE_INTEGER];
    return this.#listing.getRange(limit === undefined ? { start, end } : { start, end, limit });
  }
}
