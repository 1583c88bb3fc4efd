import type { ExemplarKey } from './exemplar.js';

/** An exemplar and the row of its vector. */
export interface IndexEntry extends ExemplarKey {
  row: number;
}

/** Entries by id, by row and by intent; an entry never changes, it is replaced. */
export class EntryTable {
  readonly #byId = new Map<string, IndexEntry>();
  readonly #byRow: (IndexEntry | undefined)[] = [];
  readonly #idsOf = new Map<string, Set<string>>();

  get size(): number {
    return this.#byId.size;
  }

  sizeOf(intent: string): number {
    return this.#idsOf.get(intent)?.size ?? 0;
  }

  get(id: string): IndexEntry | undefined {
    return this.#byId.get(id);
  }

  at(row: number): IndexEntry | undefined {
    return this.#byRow[row];
  }

  all(): Iterable<IndexEntry> {
    return this.#byId.values();
  }

  idsOf(intent: string): Iterable<string> {
    return this.#idsOf.get(intent) ?? [];
  }

  add({ id, intent, version, row }: IndexEntry): void {
    const entry = { id, intent, version, row };
    this.#byId.set(id, entry);
    this.#byRow[row] = entry;
    const ids = this.#idsOf.get(intent) ?? new Set();
    this.#idsOf.set(intent, ids.add(id));
  }

  delete({ id, intent, row }: IndexEntry): void {
    this.#byId.delete(id);
    this.#byRow[row] = undefined;
    const ids = this.#idsOf.get(intent);
    ids?.delete(id);
    if (ids?.size === 0) this.#idsOf.delete(intent);
  }
}
