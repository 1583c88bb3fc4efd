import { isDeepStrictEqual } from 'node:util';
import type { OnConflict, Settings } from '@switchyard/contracts';
import { tooManyIntents } from '../errors.js';
import type { ChangeSequence } from './change-sequence.js';
import type { EmbeddedTables } from './embedded-tables.js';
import type { Exemplar } from './exemplar.js';
import type { AddOptions, AddOutcome, IntentPatch, IntentRecord } from './exemplar-store.js';
import { planAddition } from './plan-addition.js';
import { replaces, type StoredHead } from './stored-head.js';
import { toOutcome, toVerdicts } from './verdicts.js';

export interface WriterOptions {
  tables: EmbeddedTables;
  changes: ChangeSequence;
  maxIntents: number;
  /** Digest of the model of vectors and heads that are written. */
  model: string;
}

/** The changes of an ExemplarStore on LMDB: each checks, and then writes, in one transaction. */
export class EmbeddedWriter {
  constructor(private readonly options: WriterOptions) {}

  private get tables(): EmbeddedTables {
    return this.options.tables;
  }

  async add(
    exemplars: readonly Exemplar[],
    onConflict: OnConflict,
    { idempotencyKey }: AddOptions = {},
  ): Promise<AddOutcome> {
    let outcome = toOutcome([], []);
    const { model } = this.options;
    await this.#commit(() => {
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
      for (const exemplar of outcome.added) this.tables.putExemplar(exemplar, { version, model });
      if (idempotencyKey) this.tables.putOutcome(idempotencyKey, toVerdicts(exemplars, outcome));
      return { type: 'exemplars-added', exemplars: outcome.added, intents };
    });
    return outcome;
  }

  async remove(intent: string, id: string): Promise<boolean> {
    return this.#commit(() => {
      if (this.tables.exemplar(id)?.intent !== intent) return undefined;
      this.tables.deleteExemplar(id);
      return { type: 'exemplar-removed', id };
    });
  }

  async putIntent(name: string, patch: IntentPatch): Promise<void> {
    await this.#commit(() => {
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
    return this.#commit(() => {
      if (!this.tables.intent(name)) return undefined;
      this.tables.deleteIntent(name);
      return { type: 'intent-deleted', name };
    });
  }

  async putSettings(patch: Partial<Settings>): Promise<Settings> {
    let settings = this.tables.settings;
    await this.#commit(() => {
      const before = this.tables.settings;
      settings = { ...before, ...patch };
      if (isDeepStrictEqual(settings, before)) return undefined;
      this.tables.settings = settings;
      return { type: 'settings-put', settings };
    });
    return settings;
  }

  async putHead(head: StoredHead): Promise<boolean> {
    return this.#commit(() => {
      const before = this.tables.head(this.options.model);
      if (before && !replaces(head, before)) return undefined;
      this.tables.putHead(this.options.model, head);
      return { type: 'head-put', head };
    });
  }

  #commit(body: Parameters<ChangeSequence['commit']>[1]): Promise<boolean> {
    return this.options.changes.commit(this.options.model, body);
  }

  #checkIntentLimit(names: readonly string[]): void {
    const fresh = names.filter((name) => !this.tables.intent(name)).length;
    if (fresh > 0 && this.tables.intentCount + fresh > this.options.maxIntents)
      throw tooManyIntents(this.options.maxIntents);
  }

  #intentOrNew(name: string): IntentRecord {
    return { name, ...(this.tables.intent(name) ?? { description: '', threshold: null }) };
  }
}
