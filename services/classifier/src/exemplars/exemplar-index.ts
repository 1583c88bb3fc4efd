import hnswlib from 'hnswlib-node';

export interface IndexedNeighbour {
  id: string;
  intent: string;
  /** Cosine, -1 to 1. */
  similarity: number;
}

/** Links per node, and beam widths while building and searching (Malkov & Yashunin, 2018). */
const M = 16;
const EF_CONSTRUCTION = 200;
const EF_SEARCH = 100;
const INITIAL_CAPACITY = 1024;
const SEED = 42;

/**
 * Nearest exemplars by cosine, in an HNSW graph that grows by doubling. A removed exemplar's place
 * in the graph is taken by the next one added; labels are never used twice.
 */
export class ExemplarIndex {
  readonly #graph: hnswlib.HierarchicalNSW;
  readonly #byLabel = new Map<number, { id: string; intent: string }>();
  readonly #labels = new Map<string, number>();
  readonly #sizes = new Map<string, number>();
  #nextLabel = 0;

  constructor(dimensions: number) {
    // Inner product: the vectors are normalised, so it equals the cosine without dividing again.
    this.#graph = new hnswlib.HierarchicalNSW('ip', dimensions);
    this.#graph.initIndex({
      maxElements: INITIAL_CAPACITY,
      m: M,
      efConstruction: EF_CONSTRUCTION,
      randomSeed: SEED,
      allowReplaceDeleted: true,
    });
    this.#graph.setEf(EF_SEARCH);
  }

  get size(): number {
    return this.#labels.size;
  }

  sizeOf(intent: string): number {
    return this.#sizes.get(intent) ?? 0;
  }

  intentOf(id: string): string | undefined {
    const label = this.#labels.get(id);
    return label === undefined ? undefined : this.#byLabel.get(label)?.intent;
  }

  /** Adds an exemplar; one that is there already only changes its intent. */
  put(id: string, intent: string, vector: Float32Array): void {
    const known = this.#labels.get(id);
    if (known !== undefined) {
      this.#count(this.intentOf(id), -1);
      this.#byLabel.set(known, { id, intent });
    } else {
      // The graph's own count includes removed points, whose places are free.
      if (this.size >= this.#graph.getMaxElements())
        this.#graph.resizeIndex(2 * this.#graph.getMaxElements());
      const label = this.#nextLabel++;
      this.#graph.addPoint(Array.from(vector), label, true);
      this.#labels.set(id, label);
      this.#byLabel.set(label, { id, intent });
    }
    this.#count(intent, 1);
  }

  remove(id: string): void {
    const label = this.#labels.get(id);
    if (label === undefined) return;
    this.#count(this.intentOf(id), -1);
    this.#graph.markDelete(label);
    this.#labels.delete(id);
    this.#byLabel.delete(label);
  }

  removeIntent(intent: string): void {
    if (this.sizeOf(intent) === 0) return;
    for (const entry of [...this.#byLabel.values()])
      if (entry.intent === intent) this.remove(entry.id);
  }

  /** Up to `k` exemplars, most similar first. */
  search(vector: Float32Array, k: number): IndexedNeighbour[] {
    const count = Math.min(k, this.size);
    if (count === 0) return [];
    const { neighbors, distances } = this.#graph.searchKnn(Array.from(vector), count);
    return neighbors.flatMap((label, rank) => {
      const entry = this.#byLabel.get(label);
      return entry ? [{ ...entry, similarity: 1 - (distances[rank] ?? 1) }] : [];
    });
  }

  #count(intent: string | undefined, by: number): void {
    if (intent === undefined) return;
    const size = this.sizeOf(intent) + by;
    if (size === 0) this.#sizes.delete(intent);
    else this.#sizes.set(intent, size);
  }
}
