import type {
  AddExemplarsResponse,
  ExemplarLine,
  Intent,
  OnConflict,
  Settings,
} from '@switchyard/contracts';
import type { Embedder, Priority } from '../embedding/embedder.js';
import { fewAtATime } from '../embedding/few-at-a-time.js';
import { exemplarNotFound, intentNotFound } from '../errors.js';
import type { Catalog } from './catalog.js';
import { exemplarId } from './exemplar.js';
import type {
  AddOptions,
  AddOutcome,
  ExemplarStore,
  IntentPatch,
  StoredPage,
} from './exemplar-store.js';

export interface AddLinesOptions extends AddOptions {
  /** `bulk` unless said. */
  priority?: Priority;
}

/**
 * What people do with intents and exemplars. When a promise resolves, the change is durable and
 * this replica classifies with it.
 */
export class ExemplarRegistry {
  constructor(
    private readonly store: ExemplarStore,
    private readonly catalog: Catalog,
    private readonly embedder: Embedder,
  ) {}

  /** Of what this replica classifies with. */
  get version(): number {
    return this.catalog.version;
  }

  /** All in one change, or nothing; embeds only what is not stored yet. */
  async add(
    lines: readonly ExemplarLine[],
    onConflict: OnConflict,
    { priority = 'bulk', idempotencyKey }: AddLinesOptions = {},
  ): Promise<AddOutcome> {
    const wanted = lines.map((line) => ({ ...line, id: exemplarId(line.text) }));
    const stored = await this.store.vectors(wanted.map(({ id }) => id));
    const exemplars = await fewAtATime(this.embedder, wanted, async ({ id, intent, text }) => {
      const vector = stored.get(id) ?? (await this.embedder.embed(text, { priority })).vector;
      return { id, intent, text, vector };
    });
    await this.catalog.room();
    return this.store.add(exemplars, onConflict, { idempotencyKey });
  }

  /** `add` for one intent, in the terms of the REST answer. */
  async addTo(
    intent: string,
    texts: readonly string[],
    onConflict: OnConflict,
  ): Promise<AddExemplarsResponse> {
    const lines = texts.map((text) => ({ intent, text }));
    const { added, duplicates, conflicts } = await this.add(lines, onConflict, {
      priority: 'live',
    });
    return {
      added: added.map(({ id, text }) => ({ id, text })),
      duplicates: duplicates.map(({ text }) => text),
      conflicts: conflicts.map(({ exemplar, heldBy }) => ({ text: exemplar.text, intent: heldBy })),
      indexVersion: this.catalog.version,
    };
  }

  async remove(intent: string, id: string): Promise<void> {
    this.#require(intent);
    if (!(await this.store.remove(intent, id))) throw exemplarNotFound(intent, id);
  }

  async putIntent(name: string, patch: IntentPatch): Promise<Intent> {
    await this.store.putIntent(name, patch);
    return this.#require(name);
  }

  async deleteIntent(name: string): Promise<void> {
    if (!(await this.store.deleteIntent(name))) throw intentNotFound(name);
  }

  putSettings(patch: Partial<Settings>): Promise<Settings> {
    return this.store.putSettings(patch);
  }

  intents(): Intent[] {
    return this.catalog.intents();
  }

  async page(intent: string, limit: number, cursor: string | undefined): Promise<StoredPage> {
    this.#require(intent);
    return this.store.page(intent, limit, cursor);
  }

  async *lines(): AsyncIterable<ExemplarLine> {
    for await (const { intent, text } of this.store.exemplars()) yield { intent, text };
  }

  #require(name: string): Intent {
    const intent = this.catalog.intent(name);
    if (!intent) throw intentNotFound(name);
    return intent;
  }
}
