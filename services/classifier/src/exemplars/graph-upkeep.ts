import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GraphBuilder } from './graph-builder.js';
import { scanGraphFile } from './graph-file.js';
import { HnswGraph } from './hnsw-graph.js';
import type { PacedGraph } from './paced-graph.js';
import type { VectorRows } from './vector-rows.js';

export interface UpkeepOptions {
  /** For files on the way from one graph to another. */
  directory: string;
  onProblem: (error: unknown, what: string) => void;
}

/** Removed places are given to new rows; a graph with more of them, and this share, is built anew. */
const REMOVED_LIMIT = 1024;
const REMOVED_SHARE = 0.25;
/** Room is made when this much is taken, so that it is there when it is needed. */
const FULL_SHARE = 0.9;
/** Rows left to insert after a new graph is taken over. */
const CATCH_UP_ROWS = 256;
const CATCH_UP_ROUNDS = 20;

/** Keeps a graph large enough and free of too many removed rows, one task after the other. */
export class GraphUpkeep {
  #tail: Promise<unknown> = Promise.resolve();
  #busy = false;
  #compactAt = REMOVED_LIMIT;
  #closed = false;
  #building: GraphBuilder | undefined;

  constructor(
    private readonly graph: PacedGraph,
    private readonly rows: VectorRows,
    private readonly options: UpkeepOptions,
  ) {}

  /** Starts what is due and returns. */
  check(liveRows: number): void {
    if (this.#busy || this.#closed) return;
    const removed = this.graph.taken - liveRows + this.graph.pending.size;
    const isFull = this.graph.taken >= FULL_SHARE * this.graph.capacity;
    const isSparse = removed >= this.#compactAt && removed > REMOVED_SHARE * liveRows;
    if (!isFull && !isSparse) return;
    this.#busy = true;
    this.exclusively(() => (isFull ? this.#grow() : this.compact(liveRows))).then(
      () => {
        this.#compactAt = REMOVED_LIMIT;
        this.#busy = false;
      },
      (error: unknown) => {
        this.#compactAt = 2 * Math.max(removed, this.#compactAt);
        this.#busy = false;
        if (!this.#closed) this.options.onProblem(error, 'the index could not be compacted');
      },
    );
  }

  /** Runs `task` when no other runs. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Builds the graph of the live rows in another thread, while this one serves and takes changes. */
  async compact(liveRows: number): Promise<void> {
    if (this.#closed) throw new Error('the index is closed');
    const { dimensions } = this.rows;
    const builder = new GraphBuilder({ dimensions, capacity: this.#capacityFor(liveRows) });
    this.#building = builder;
    this.rows.hold();
    try {
      const built = new Set<number>();
      for (let round = 0; round < CATCH_UP_ROUNDS; round++) {
        const missing = [...this.rows.rows()].filter(
          (row) => !built.has(row) && this.graph.isLive(row),
        );
        if (round > 0 && missing.length <= CATCH_UP_ROWS) break;
        await builder.add(missing, this.rows.blocks);
        for (const row of missing) built.add(row);
      }
      const graph = await this.#through((path) => builder.save(path));
      for (const row of built) if (!this.rows.has(row)) graph.remove(row);
      this.graph.replace(graph, (row) => built.has(row));
    } finally {
      this.rows.release();
      this.#building = undefined;
      await builder.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#building?.close();
    await this.#tail;
  }

  /**
   * Twice the room, by way of a file: hnswlib's own `resizeIndex` blocks for 20 ms at 100,000 rows.
   * When the file cannot be written, that is still better than taking nothing more.
   */
  async #grow(): Promise<void> {
    const capacity = 2 * this.graph.capacity;
    await this.graph.frozen(async (old) => {
      try {
        const grown = await this.#through((path) => old.save(path, capacity));
        this.graph.replace(grown, (row) => !this.graph.pending.has(row));
      } catch (error) {
        this.options.onProblem(error, 'the index grew in place');
        old.resize(capacity);
      }
    });
  }

  /** With room for what comes while it is built. */
  #capacityFor(liveRows: number): number {
    let { capacity } = this.graph;
    while (capacity < 1.5 * liveRows) capacity *= 2;
    return capacity;
  }

  async #through(write: (path: string) => Promise<void>): Promise<HnswGraph> {
    const { directory } = this.options;
    await mkdir(directory, { recursive: true });
    const path = join(directory, `.new-graph-${randomUUID()}`);
    try {
      await write(path);
      await scanGraphFile(path, this.rows.dimensions);
      return await HnswGraph.load(path, this.rows.dimensions);
    } finally {
      await rm(path, { force: true });
    }
  }
}
