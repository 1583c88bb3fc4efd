import { Settings } from '@switchyard/contracts';
import type { RedisClient } from '@switchyard/service-kit';
import { z } from 'zod';
import type { Corpus } from './corpus.js';
import type { IntentRecord, StoredPage } from './exemplar-store.js';
import { guarded } from './redis-failure.js';
import type { RedisKeys } from './redis-keys.js';
import type { StoredHead } from './stored-head.js';
import { toBytes, toVector } from './vector-bytes.js';
import type { EarlierModel } from './vector-model.js';

/** Names of exemplars, or rows, that one command reads: about 1 MB of vectors. */
const AT_ONCE = 500;

/** Where a history of changes stands: histories that part have different tokens from there on. */
export interface Position {
  version: number;
  /** Token of the change that made the version; empty at version 0. */
  last: string;
}

export interface Listed {
  id: string;
  intent: string;
  position: string;
}

const StoredModel = z.object({ usedAt: z.number(), origin: z.string() });
const StoredIntent = z.object({ description: z.string(), threshold: z.number().nullable() });

export const parseIntent = (name: string, record: string): IntentRecord => ({
  name,
  ...StoredIntent.parse(JSON.parse(record)),
});

export const parseSettings = (settings: string): Settings =>
  Settings.parse(settings === '' ? {} : JSON.parse(settings));

/** The version of the change that gave an exemplar its place. */
export const versionOf = (position: string) => Number.parseInt(position, 10);

/** What can be read under the keys; redis-keys.ts says what is there. */
export class RedisTables {
  constructor(
    private readonly client: RedisClient,
    readonly keys: RedisKeys,
  ) {}

  async position(): Promise<Position> {
    const [version, last] = await guarded(() =>
      this.client.hmget(this.keys.meta, 'version', 'last'),
    );
    return { version: Number(version ?? 0), last: last ?? '' };
  }

  /** As it is stored; empty when nothing was ever set. */
  async settings(): Promise<string> {
    return (await guarded(() => this.client.hget(this.keys.meta, 'settings'))) ?? '';
  }

  async intents(): Promise<IntentRecord[]> {
    const records = await guarded(() => this.client.hgetall(this.keys.intents));
    return Object.entries(records).map(([name, record]) => parseIntent(name, record));
  }

  /** As it is stored; empty when there is none. */
  async intent(name: string): Promise<string> {
    return (await guarded(() => this.client.hget(this.keys.intents, name))) ?? '';
  }

  async head(): Promise<StoredHead | undefined> {
    const [trainedOn, bytes] = await guarded(() =>
      this.client.hmgetBuffer(this.keys.head, 'trainedOn', 'bytes'),
    );
    if (!trainedOn || !bytes) return undefined;
    return { trainedOn: Number(trainedOn.toString()), bytes: new Uint8Array(bytes) };
  }

  /** About how many exemplars have no vector: one that was removed may have left its own. */
  async lacking(): Promise<number> {
    const [places, vectors] = await Promise.all(
      [this.keys.places, this.keys.vectors].map((key) => guarded(() => this.client.hlen(key))),
    );
    return Math.max(0, (places ?? 0) - (vectors ?? 0));
  }

  /** The one that was used last comes first. */
  async otherModels(): Promise<EarlierModel[]> {
    return (await this.#models())
      .filter(({ modelDigest }) => modelDigest !== this.keys.model)
      .sort((a, b) => b.usedAt - a.usedAt);
  }

  /** Notes that the model is in use, and forgets those that were last used before `forgottenMs`. */
  async useModel(origin: string, forgottenMs: number): Promise<void> {
    const { model, models } = this.keys;
    const record = JSON.stringify({ usedAt: Date.now(), origin });
    await guarded(() => this.client.hset(models, model, record));
    for (const { modelDigest, usedAt } of await this.#models()) {
      if (usedAt > Date.now() - forgottenMs) continue;
      const { vectors, head } = this.keys.of(modelDigest);
      await guarded(() => this.client.unlink(vectors, head));
      await guarded(() => this.client.hdel(models, modelDigest));
    }
  }

  async #models() {
    const records = await guarded(() => this.client.hgetall(this.keys.models));
    return Object.entries(records).map(([modelDigest, record]) => ({
      modelDigest,
      ...StoredModel.parse(JSON.parse(record)),
    }));
  }

  /** Every exemplar that is there from beginning to end, and perhaps others, by intent. */
  async *listing(): AsyncGenerator<Listed[]> {
    let after = '-';
    for (;;) {
      const members = await this.#range(after, '+', AT_ONCE);
      if (members.length > 0) yield members.map(parseMember);
      if (members.length < AT_ONCE) return;
      after = `(${members.at(-1)}`;
    }
  }

  /**
   * All exemplars that have a vector, as they were at one version: where each one is comes from one
   * moment, and what belongs to an id never changes. One that is removed while this reads is left
   * out, which only makes what is learned from it current a change sooner.
   */
  async corpus(): Promise<Corpus> {
    const replies = await guarded(async () =>
      this.client.multi().hget(this.keys.meta, 'version').zrange(this.keys.listing, 0, -1).exec(),
    );
    const [version, members] = (replies ?? []).map(([error, reply]) => {
      if (error) throw error;
      return reply;
    });
    const exemplars: Corpus['exemplars'] = [];
    const all = Array.isArray(members) ? members.map(String) : [];
    for (let start = 0; start < all.length; start += AT_ONCE) {
      const listed = all.slice(start, start + AT_ONCE).map(parseMember);
      const ids = listed.map(({ id }) => id);
      const [texts, vectors] = await Promise.all([this.texts(ids), this.vectors(ids)]);
      for (const { id, intent, position } of listed) {
        const [text, vector] = [texts.get(id), vectors.get(id)];
        if (text !== undefined && vector)
          exemplars.push({ id, intent, text, vector, version: versionOf(position) });
      }
    }
    return { version: Number(version ?? 0), exemplars };
  }

  async page(intent: string, limit: number, cursor: string | undefined): Promise<StoredPage> {
    if (cursor !== undefined && !/^\d{16}\.\d{6}$/.test(cursor))
      throw new RangeError('is not a cursor that this listing gave out');
    // A tab ends the name and the position, and a newline comes after the tab.
    const from = cursor === undefined ? `[${intent}\t` : `(${intent}\t${cursor}\n`;
    const members = await this.#range(from, `(${intent}\n`, limit + 1);
    const shown = members.slice(0, limit).map(parseMember);
    const texts = await this.texts(shown.map(({ id }) => id));
    const last = shown.at(-1);
    return {
      exemplars: shown.map(({ id }) => ({ id, text: texts.get(id) ?? '' })),
      nextCursor: members.length > limit && last ? last.position : null,
    };
  }

  async texts(ids: readonly string[]): Promise<Map<string, string>> {
    return this.#read(ids, (some) => this.client.hmget(this.keys.texts, ...some));
  }

  async vectors(ids: readonly string[]): Promise<Map<string, Float32Array>> {
    const bytes = await this.#read(ids, (some) =>
      this.client.hmgetBuffer(this.keys.vectors, ...some),
    );
    return new Map([...bytes].map(([id, buffer]) => [id, toVector(buffer)]));
  }

  /** Of exemplars that have none of this model yet. */
  async putVectors(vectors: readonly (readonly [id: string, vector: Float32Array])[]) {
    if (vectors.length === 0) return;
    const fields = vectors.flatMap(([id, vector]) => [id, toBytes(vector)]);
    await guarded(() => this.client.hset(this.keys.vectors, ...fields));
  }

  async #read<T>(
    ids: readonly string[],
    read: (ids: readonly string[]) => Promise<(T | null)[]>,
  ): Promise<Map<string, T>> {
    const found = new Map<string, T>();
    for (let start = 0; start < ids.length; start += AT_ONCE) {
      const some = ids.slice(start, start + AT_ONCE);
      const values = await guarded(() => read(some));
      for (const [index, id] of some.entries()) {
        const value = values[index];
        if (value !== null && value !== undefined) found.set(id, value);
      }
    }
    return found;
  }

  async #range(from: string, to: string, limit: number): Promise<string[]> {
    return guarded(() => this.client.zrangebylex(this.keys.listing, from, to, 'LIMIT', 0, limit));
  }
}

function parseMember(member: string): Listed {
  const [intent = '', position = '', id = ''] = member.split('\t');
  return { id, intent, position };
}
