import { performance } from 'node:perf_hooks';
import type { HnswGraph } from './hnsw-graph.js';
import type { VectorRows } from './vector-rows.js';
import { WaitingRoom } from './waiting-room.js';

/** Time spent on the graph between two turns of the event loop; one row may take longer (2 ms). */
const SLICE_MS = 2;
/** Rows that wait for the graph before writers have to; a search compares with all of them (0.2 ms). */
const PENDING_LIMIT = 256;

export interface Hit {
  row: number;
  /** Inner product with the vector searched for. */
  similarity: number;
}

/**
 * A graph that takes its time: an added row is found at once, by comparing with every row that
 * waits, and goes into the graph between turns of the event loop. A removed row is not found any
 * more, and marked likewise. While the graph is frozen, only the waiting grows.
 */
export class PacedGraph {
  readonly #pending = new Set<number>();
  /** In the graph still, and not wanted. */
  readonly #removed = new Set<number>();
  readonly #waitingRoom = new WaitingRoom(() => this.#pending.size);
  #frozen = 0;
  #scheduled = false;
  #closed = false;

  constructor(
    private readonly rows: VectorRows,
    private graph: HnswGraph,
    /** Called after rows went into the graph. */
    private readonly onGrown: () => void = () => undefined,
  ) {}

  get pending(): ReadonlySet<number> {
    return this.#pending;
  }

  get capacity(): number {
    return this.graph.capacity;
  }

  /** Places of the graph that are taken, by removed rows too. */
  get taken(): number {
    return this.graph.size;
  }

  isLive(row: number): boolean {
    return this.rows.has(row) && !this.#removed.has(row);
  }

  add(row: number): void {
    this.#pending.add(row);
    this.#schedule();
  }

  /** Frees the row when the graph has let go of it. */
  remove(row: number): void {
    if (this.#pending.delete(row)) this.rows.free(row);
    else this.#removed.add(row);
    this.#schedule();
  }

  /** Up to `k` rows, most similar first. */
  search(vector: Float32Array, k: number): Hit[] {
    const isWanted = this.#removed.size > 0 ? (row: number) => !this.#removed.has(row) : undefined;
    const hits: Hit[] = [];
    for (const row of this.graph.search(vector, k, isWanted)) hits.push(this.#hit(row, vector));
    for (const row of this.#pending) hits.push(this.#hit(row, vector));
    return hits.sort((a, b) => b.similarity - a.similarity).slice(0, k);
  }

  /** Resolves when less than the limit waits for the graph: writers of many ask before each change. */
  room(): Promise<void> {
    return this.#waitingRoom.below(PENDING_LIMIT);
  }

  /** Resolves when nothing waits. */
  settled(): Promise<void> {
    return this.#waitingRoom.below(1);
  }

  /** Keeps the graph as it is while `task` runs. */
  async frozen<T>(task: (graph: HnswGraph) => Promise<T>): Promise<T> {
    this.#frozen++;
    try {
      return await task(this.graph);
    } finally {
      this.#frozen--;
      this.#schedule();
    }
  }

  /** Goes on with another graph of these rows; what is live and not in it waits, as if just added. */
  replace(graph: HnswGraph, has: (row: number) => boolean): void {
    const old = this.graph;
    this.graph = graph;
    for (const row of this.rows.rows()) {
      if (this.#removed.has(row) && !has(row)) {
        this.#removed.delete(row);
        this.rows.free(row);
      } else if (this.isLive(row)) {
        if (has(row)) this.#pending.delete(row);
        else this.#pending.add(row);
      }
    }
    old.release();
    this.#schedule();
  }

  /** Marks a row of the graph that no vector belongs to any more. */
  forget(row: number): void {
    this.graph.remove(row);
  }

  /** Nothing more goes into the graph. */
  close(): void {
    this.#closed = true;
    this.#waitingRoom.close();
  }

  #hit(row: number, vector: Float32Array): Hit {
    return { row, similarity: this.rows.dot(row, vector) };
  }

  #schedule(): void {
    const waiting = this.#pending.size + this.#removed.size;
    if (waiting === 0) this.#waitingRoom.check();
    if (waiting === 0 || this.#scheduled || this.#frozen > 0 || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const until = performance.now() + SLICE_MS;
      let moved = this.#frozen === 0 && !this.#closed && this.#step();
      const any = moved;
      while (moved && performance.now() < until) moved = this.#step();
      this.#waitingRoom.check();
      // Without a step the graph is full or frozen: what ends that schedules again.
      if (any) this.#schedule();
      this.onGrown();
    });
  }

  #step(): boolean {
    for (const row of this.#removed) {
      this.graph.remove(row);
      this.#removed.delete(row);
      this.rows.free(row);
      return true;
    }
    if (this.graph.size >= this.graph.capacity) return false;
    for (const row of this.#pending) {
      this.graph.put(row, this.rows.at(row));
      this.#pending.delete(row);
      return true;
    }
    return false;
  }
}
