import { tmpdir } from 'node:os';
import { EntryTable, type IndexEntry } from './entry-table.js';
import type { ExemplarKey } from './exemplar.js';
import { GraphUpkeep, type UpkeepOptions } from './graph-upkeep.js';
import { HnswGraph } from './hnsw-graph.js';
import { PacedGraph } from './paced-graph.js';
import { VectorRows } from './vector-rows.js';

export interface IndexedNeighbour extends ExemplarKey {
  /** Cosine, -1 to 1. */
  similarity: number;
}

export interface IndexOptions extends Partial<UpkeepOptions> {
  /** Rows that the graph has room for at first; it doubles. */
  capacity?: number;
}

/** Room that is not used costs 50 bytes a row; up to here the index needs no other. */
const CAPACITY = 131_072;

/** What an index is restored from. */
export interface IndexState {
  rows: VectorRows;
  /** Of some rows; undefined when it would be empty. */
  graph: HnswGraph | undefined;
  entries: readonly IndexEntry[];
  /** Rows of entries that are not in the graph. */
  pending: readonly number[];
  /** Rows of the graph that have no entry. */
  orphans: readonly number[];
}

/** Nearest exemplars by cosine. What a call changes counts for the next one. */
export class ExemplarIndex {
  readonly #entries = new EntryTable();
  readonly #rows: VectorRows;
  readonly #graph: PacedGraph;
  readonly #upkeep: GraphUpkeep;
  #changes = 0;

  constructor(dimensions: number, options: IndexOptions = {}, state?: IndexState) {
    this.#rows = state?.rows ?? new VectorRows(dimensions);
    const graph = state?.graph ?? HnswGraph.create(dimensions, options.capacity ?? CAPACITY);
    this.#graph = new PacedGraph(this.#rows, graph, () => this.#upkeep.check(this.size));
    this.#upkeep = new GraphUpkeep(this.#graph, this.#rows, {
      directory: options.directory ?? tmpdir(),
      onProblem: options.onProblem ?? (() => undefined),
    });
    if (!state) return;
    for (const entry of state.entries) this.#entries.add(entry);
    for (const row of state.orphans) this.#graph.forget(row);
    for (const row of state.pending) this.#graph.add(row);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Places of the graph that are taken, those of removed exemplars included. */
  get places(): number {
    return this.#graph.taken;
  }

  /** How often an exemplar was added, changed or removed since the index was made or restored. */
  get changes(): number {
    return this.#changes;
  }

  sizeOf(intent: string): number {
    return this.#entries.sizeOf(intent);
  }

  get(id: string): ExemplarKey | undefined {
    return this.#entries.get(id);
  }

  entries(): Iterable<ExemplarKey> {
    return this.#entries.all();
  }

  /** A view on memory that another exemplar takes over when this one is removed. */
  vectorOf(id: string): Float32Array | undefined {
    const entry = this.#entries.get(id);
    return entry && this.#rows.at(entry.row);
  }

  /** Adds an exemplar; of one that is there already only intent and version change. */
  put(key: ExemplarKey, vector: Float32Array): void {
    if (this.assign(key)) return;
    const row = this.#rows.add(vector);
    this.#changes++;
    this.#entries.add({ ...key, row });
    this.#graph.add(row);
  }

  /** Gives an exemplar that is there another intent and version; false when it is not there. */
  assign(key: ExemplarKey): boolean {
    const known = this.#entries.get(key.id);
    if (!known) return false;
    this.#changes++;
    this.#entries.delete(known);
    this.#entries.add({ ...key, row: known.row });
    return true;
  }

  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#changes++;
    this.#entries.delete(entry);
    this.#graph.remove(entry.row);
  }

  removeIntent(intent: string): void {
    for (const id of [...this.#entries.idsOf(intent)]) this.remove(id);
  }

  /** Up to `k` exemplars, most similar first, and equally similar ones by id. */
  search(vector: Float32Array, k: number): IndexedNeighbour[] {
    return this.#graph
      .search(vector, k)
      .flatMap(({ row, similarity }) => {
        const entry = this.#entries.at(row);
        if (!entry) return [];
        const { id, intent, version } = entry;
        return [{ id, intent, similarity, version }];
      })
      .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1));
  }

  /** Resolves when an addition will not make every search slower: await it before adding many. */
  room(): Promise<void> {
    return this.#graph.room();
  }

  /** Resolves when the graph holds everything that was added. */
  settled(): Promise<void> {
    return this.#graph.settled();
  }

  /** Runs `fill`, which adds many, and then builds the graph in another thread. */
  async rebuilt(fill: () => Promise<void>): Promise<void> {
    await this.#upkeep.exclusively(() =>
      this.#graph.frozen(async () => {
        await fill();
        await this.#upkeep.compact(this.size);
      }),
    );
  }

  /**
   * Writes the graph to `path`. `capture` is called when it starts: until the file is there the
   * graph stays as it was then, while the index goes on.
   */
  async save<T>(path: string, capture: (entries: IndexEntry[]) => T): Promise<T> {
    return this.#upkeep.exclusively(() =>
      this.#graph.frozen(async (graph) => {
        const captured = capture([...this.#entries.all()]);
        await graph.save(path);
        return captured;
      }),
    );
  }

  /** The vector of an entry that is not in the graph yet. */
  pendingVector({ row }: IndexEntry): Float32Array | undefined {
    return this.#graph.pending.has(row) ? this.#rows.at(row).slice() : undefined;
  }

  async close(): Promise<void> {
    this.#graph.close();
    await this.#upkeep.close();
  }
}
