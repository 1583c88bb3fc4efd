import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { OnConflict, Settings } from '@switchyard/contracts';
import type { Logger } from '@switchyard/service-kit';
import { tooManyIntents } from '../errors.js';
import type { Claim, ClaimedTask } from './claim.js';
import type { CorpusSource } from './corpus.js';
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
import { toChanges } from './redis-change.js';
import { RedisChangeReader } from './redis-change-reader.js';
import { claimInRedis } from './redis-claim.js';
import { openRedisLink, type RedisLink, type RedisLinkOptions } from './redis-link.js';
import { parseIntent, parseSettings, versionOf } from './redis-tables.js';
import { RedisWriter } from './redis-writer.js';
import type { StoredHead } from './stored-head.js';
import { toBytes } from './vector-bytes.js';
import { type EarlierModel, embedAll, type VectorModel } from './vector-model.js';
import { toOutcome } from './verdicts.js';

/** Without exemplars an entry has 200 bytes, with 64 of them 3 KB. */
const KEPT_CHANGES = 20_000;
/** How long a chunk of an import that is done again finds out what it came to before: a day. */
const KEYED_OUTCOME_MS = 24 * 60 * 60 * 1000;

/** A model that no replica has used for so long is forgotten, with its vectors: a month. */
const FORGOTTEN_MS = 30 * 24 * 60 * 60 * 1000;
const REMINDER_MS = 6 * 60 * 60 * 1000;

export interface RedisStoreOptions extends RedisLinkOptions, VectorModel {
  maxIntents: number;
  keptChanges?: number;
  logger: Logger;
}

/**
 * Exemplars in Redis, for any number of replicas. One change is one script, which appends it to a
 * stream; what a replica knows, it has heard from the stream, its own changes included.
 */
export class RedisExemplarStore implements ExemplarStore {
  readonly #writer: RedisWriter;
  readonly #reader: RedisChangeReader;
  readonly #listeners: ((change: Change) => void | Promise<void>)[] = [];
  readonly #reloadListeners: (() => Promise<void>)[] = [];
  #reminder: NodeJS.Timeout | undefined;
  /** What this replica is writing, by token: it need not be read back. */
  readonly #own = new Map<string, readonly Exemplar[]>();

  private constructor(
    private readonly link: RedisLink,
    private readonly options: RedisStoreOptions,
    from: { version: number; last: string },
  ) {
    const { tables, stream, scripts } = link;
    this.#writer = new RedisWriter(scripts, tables.keys, options.keptChanges ?? KEPT_CHANGES);
    const sources = {
      tables,
      own: this.#own,
      vectors: (ids: readonly string[]) => this.vectors(ids),
    };
    this.#reader = new RedisChangeReader(
      {
        stream,
        tables,
        toChanges: (entries) => toChanges(entries, sources),
        onChange: async (change) => {
          for (const listener of this.#listeners) await listener(change);
        },
        onReload: async () => {
          for (const listener of this.#reloadListeners) await listener();
        },
        logger: options.logger,
      },
      from,
    );
  }

  /** Waits for Redis as long as it takes. Rejects with ConfigError when it will not have us. */
  static async open(options: RedisStoreOptions): Promise<RedisExemplarStore> {
    const link = await openRedisLink(options);
    try {
      return new RedisExemplarStore(link, options, await link.tables.position());
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  get source(): CorpusSource {
    const { location, prefix, modelDigest } = this.options;
    return { kind: 'redis', location, prefix, modelDigest };
  }

  get version(): number {
    return this.#reader.version;
  }

  async intents(): Promise<IntentRecord[]> {
    return this.link.tables.intents();
  }

  async *exemplars(): AsyncGenerator<StoredExemplar> {
    for await (const listed of this.link.tables.listing()) {
      const ids = listed.map(({ id }) => id);
      const [texts, vectors] = await Promise.all([this.texts(ids), this.vectors(ids)]);
      for (const { id, intent, position } of listed) {
        const [text, vector] = [texts.get(id), vectors.get(id)];
        if (text !== undefined && vector)
          yield { id, intent, text, vector, version: versionOf(position) };
      }
    }
  }

  async *keys(): AsyncGenerator<ExemplarKey> {
    for await (const listed of this.link.tables.listing())
      for (const { id, intent, position } of listed)
        yield { id, intent, version: versionOf(position) };
  }

  async texts(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.link.tables.texts(ids);
  }

  async vectors(ids: readonly string[]): Promise<ReadonlyMap<string, Float32Array>> {
    const { tables } = this.link;
    const vectors = await tables.vectors(ids);
    const { embed } = this.options;
    if (!embed || vectors.size === ids.length) return vectors;
    const texts = await tables.texts(ids.filter((id) => !vectors.has(id)));
    if (texts.size === 0) return vectors;
    const embedded = await embedAll(texts, embed);
    await tables.putVectors([...embedded]);
    return new Map([...vectors, ...embedded]);
  }

  async page(intent: string, limit: number, cursor: string | undefined): Promise<StoredPage> {
    return this.link.tables.page(intent, limit, cursor);
  }

  async settings(): Promise<Settings> {
    return parseSettings(await this.link.tables.settings());
  }

  async head(): Promise<StoredHead | undefined> {
    return this.link.tables.head();
  }

  async add(
    exemplars: readonly Exemplar[],
    onConflict: OnConflict,
    { idempotencyKey }: AddOptions = {},
  ): Promise<AddOutcome> {
    if (exemplars.length === 0) return toOutcome([], []);
    const token = idempotencyKey ?? randomUUID();
    const rows = exemplars.flatMap(({ id, intent, text, vector }) => [
      ...[id, intent, text],
      toBytes(vector),
    ]);
    this.#own.set(token, exemplars);
    try {
      const { verdicts, version, refused } = await this.#writer.write(
        'add-exemplars',
        [this.options.maxIntents, onConflict, ...rows],
        { token, ...(idempotencyKey !== undefined && { rememberedMs: KEYED_OUTCOME_MS }) },
      );
      if (refused) throw tooManyIntents(this.options.maxIntents);
      await this.#heard(version);
      return toOutcome(exemplars, verdicts ?? []);
    } finally {
      this.#own.delete(token);
    }
  }

  async remove(intent: string, id: string): Promise<boolean> {
    return this.#heard((await this.#writer.write('remove-exemplar', [intent, id])).version);
  }

  async putIntent(name: string, patch: IntentPatch): Promise<void> {
    const { maxIntents } = this.options;
    const { version, refused } = await this.#writer.replace(
      () => this.link.tables.intent(name),
      (seen) => {
        const before = seen === '' ? undefined : parseIntent(name, seen);
        const { description = before?.description ?? '', threshold = before?.threshold ?? null } =
          patch;
        const record = JSON.stringify({ description, threshold });
        return this.#writer.write('put-intent', [maxIntents, name, seen, record]);
      },
    );
    if (refused) throw tooManyIntents(maxIntents);
    await this.#heard(version);
  }

  async deleteIntent(name: string): Promise<boolean> {
    return this.#heard((await this.#writer.write('delete-intent', [name])).version);
  }

  async putSettings(patch: Partial<Settings>): Promise<Settings> {
    let settings = parseSettings('');
    const { version } = await this.#writer.replace(
      () => this.link.tables.settings(),
      async (seen) => {
        const before = parseSettings(seen);
        settings = { ...before, ...patch };
        if (isDeepStrictEqual(settings, before)) return undefined;
        return this.#writer.write('put-settings', [seen, JSON.stringify(settings)]);
      },
    );
    await this.#heard(version);
    return settings;
  }

  async putHead({ trainedOn, bytes }: StoredHead): Promise<boolean> {
    const { model } = this.link.tables.keys;
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const seen = this.#reader.position;
    if (!seen) return false;
    const args = [model, trainedOn, content, seen.version, seen.last];
    const { version } = await this.#writer.write('put-head', args);
    return this.#heard(version);
  }

  async claim(task: ClaimedTask): Promise<Claim | undefined> {
    const { client, scripts, tables } = this.link;
    const { keys } = tables;
    // Replicas with another model have another head.
    const key = keys.claim(task === 'training' ? `${task}:${keys.model}` : task);
    return claimInRedis(client, scripts, key);
  }

  onChange(listener: (change: Change) => void | Promise<void>): void {
    this.#listeners.push(listener);
    this.#reader.start();
  }

  onReload(listener: () => Promise<void>): void {
    this.#reloadListeners.push(listener);
  }

  async caughtUp(signal?: AbortSignal): Promise<void> {
    const { version } = await this.link.tables.position();
    await this.#reader.reached(version, Number.POSITIVE_INFINITY, signal);
  }

  async lacking(): Promise<number> {
    return this.link.tables.lacking();
  }

  async earlierModels(): Promise<EarlierModel[]> {
    return this.link.tables.otherModels();
  }

  withModel(model: VectorModel): Promise<RedisExemplarStore> {
    return RedisExemplarStore.open({ ...this.options, ...model });
  }

  async adoptModel(origin: string): Promise<void> {
    const remind = () => this.link.tables.useModel(origin, FORGOTTEN_MS);
    clearInterval(this.#reminder);
    this.#reminder = setInterval(() => remind().catch(() => undefined), REMINDER_MS).unref();
    await remind();
  }

  async close(): Promise<void> {
    clearInterval(this.#reminder);
    await this.#reader.close();
    await this.link.close();
  }

  /** Waits until this replica knows of the change, if there was one. */
  async #heard(version: number | undefined): Promise<boolean> {
    if (version === undefined) return false;
    await this.#reader.reached(version);
    return true;
  }
}
