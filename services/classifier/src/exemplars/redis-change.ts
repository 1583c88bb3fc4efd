import { z } from 'zod';
import type { Exemplar } from './exemplar.js';
import type { Change } from './exemplar-store.js';
import { parseIntent, parseSettings, type RedisTables } from './redis-tables.js';

/** A change as it is in the stream: what is large stays under the keys. */
const StreamedChange = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('exemplars-added'),
    exemplars: z.array(z.tuple([z.string(), z.string()])),
    intents: z.array(z.tuple([z.string(), z.string()])),
  }),
  z.object({ type: z.literal('exemplar-removed'), id: z.string() }),
  z.object({ type: z.literal('intent-put'), name: z.string(), record: z.string() }),
  z.object({ type: z.literal('intent-deleted'), name: z.string() }),
  z.object({ type: z.literal('settings-put'), settings: z.string() }),
  z.object({ type: z.literal('head-put'), model: z.string() }),
]);
type StreamedChange = z.infer<typeof StreamedChange>;

/** One entry of the stream. */
export interface StreamEntry {
  version: number;
  token: string;
  /** Token of the change before. */
  after: string;
  change: StreamedChange;
}

/** `XREAD` and `XRANGE` give an entry as its id and its fields, names and values in turn. */
export function parseEntry([id, fields]: [id: string, fields: string[]]): StreamEntry {
  const field = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
  return {
    version: Number.parseInt(id, 10),
    token: field('token'),
    after: field('after'),
    change: StreamedChange.parse(JSON.parse(field('change'))),
  };
}

export interface ChangeSources {
  tables: RedisTables;
  /** What this replica wrote under a token. */
  own: ReadonlyMap<string, readonly Exemplar[]>;
  /** With those that no replica has embedded with this model yet. */
  vectors(ids: readonly string[]): Promise<ReadonlyMap<string, Float32Array>>;
}

/**
 * The changes that entries stand for, with texts and vectors. An exemplar that a later change has
 * removed already is left out, and a head is the newest there is: the end is the same.
 */
export async function toChanges(
  entries: readonly StreamEntry[],
  { tables, own, vectors }: ChangeSources,
): Promise<Change[]> {
  const ids = entries.flatMap(({ token, change }) =>
    change.type === 'exemplars-added' && !own.has(token) ? change.exemplars.map(([id]) => id) : [],
  );
  const [texts, found] = await Promise.all([tables.texts(ids), vectors(ids)]);
  const { model } = tables.keys;
  const head = entries.some(({ change }) => change.type === 'head-put' && change.model === model)
    ? await tables.head()
    : undefined;

  const added = ([id, intent]: readonly [string, string]): Exemplar[] => {
    const [text, vector] = [texts.get(id), found.get(id)];
    return text !== undefined && vector ? [{ id, intent, text, vector }] : [];
  };
  const toChange = ({ version, token, change }: StreamEntry): Change => {
    switch (change.type) {
      case 'exemplars-added': {
        const wrote = own.get(token);
        const mine = new Map(wrote?.map((exemplar) => [exemplar.id, exemplar]));
        const exemplars = change.exemplars.flatMap((one) => {
          const known = mine.get(one[0]);
          return known ? [{ ...known, intent: one[1] }] : added(one);
        });
        const intents = change.intents.map(([name, record]) => parseIntent(name, record));
        return { version, type: change.type, exemplars, intents };
      }
      case 'exemplar-removed':
        return { version, type: change.type, id: change.id };
      case 'intent-put':
        return { version, type: change.type, intent: parseIntent(change.name, change.record) };
      case 'intent-deleted':
        return { version, type: change.type, name: change.name };
      case 'settings-put':
        return { version, type: change.type, settings: parseSettings(change.settings) };
      case 'head-put':
        return head && change.model === model
          ? { version, type: change.type, head }
          : { version, type: 'nothing' };
    }
  };
  return entries.map(toChange);
}
