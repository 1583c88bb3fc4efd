/** Vectors in one block; at 384 dimensions a block has 1.5 MiB. */
const BLOCK_ROWS = 1024;

/**
 * Vectors by row number, in blocks that never move and are shared, so that another thread can read
 * them without a copy. The row of a vector that is gone is given to a later one.
 */
export class VectorRows {
  readonly blocks: SharedArrayBuffer[] = [];
  readonly #views: Float32Array[] = [];
  readonly #used: Uint8Array[] = [];
  #free: number[] = [];
  #end = 0;
  #held: number[] | undefined;

  constructor(readonly dimensions: number) {}

  /** Copies a vector into a row of its own. */
  add(vector: Float32Array): number {
    const row = this.#free.pop() ?? this.#end;
    this.place(row, vector);
    return row;
  }

  /** Copies a vector into this very row. */
  place(row: number, vector: Float32Array): void {
    if (vector.length !== this.dimensions)
      throw new RangeError(`a vector has ${this.dimensions} dimensions, not ${vector.length}`);
    const block = Math.floor(row / BLOCK_ROWS);
    while (this.blocks.length <= block) this.#grow();
    this.at(row).set(vector);
    this.#mark(row, 1);
    this.#end = Math.max(this.#end, row + 1);
  }

  has(row: number): boolean {
    return this.#used[Math.floor(row / BLOCK_ROWS)]?.[row % BLOCK_ROWS] === 1;
  }

  /** A view, which shows another vector once this one is gone and its row in use again. */
  at(row: number): Float32Array {
    const start = (row % BLOCK_ROWS) * this.dimensions;
    const view = this.#views[Math.floor(row / BLOCK_ROWS)];
    if (!view) throw new RangeError(`there is no row ${row}`);
    return view.subarray(start, start + this.dimensions);
  }

  /** Inner product of a row with `vector`, in double precision and always in the same order. */
  dot(row: number, vector: Float32Array): number {
    const view = this.#views[Math.floor(row / BLOCK_ROWS)] ?? vector;
    const start = (row % BLOCK_ROWS) * this.dimensions;
    // Four sums, so that the additions do not wait for one another.
    let [a, b, c, d] = [0, 0, 0, 0];
    let i = 0;
    for (; i + 3 < vector.length; i += 4) {
      a += (vector[i] as number) * (view[start + i] as number);
      b += (vector[i + 1] as number) * (view[start + i + 1] as number);
      c += (vector[i + 2] as number) * (view[start + i + 2] as number);
      d += (vector[i + 3] as number) * (view[start + i + 3] as number);
    }
    for (; i < vector.length; i++) a += (vector[i] as number) * (view[start + i] as number);
    return a + b + (c + d);
  }

  free(row: number): void {
    if (!this.has(row)) return;
    this.#mark(row, 0);
    (this.#held ?? this.#free).push(row);
  }

  /** From now on rows that become free keep their vectors: another thread reads them. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    for (const row of this.#held ?? []) this.#free.push(row);
    this.#held = undefined;
  }

  /** The rows in use, in ascending order. */
  *rows(): Iterable<number> {
    for (let row = 0; row < this.#end; row++) if (this.has(row)) yield row;
  }

  /** After rows were placed in any order: the gaps between them are free. */
  findFree(): void {
    this.#free = [];
    for (let row = this.#end - 1; row >= 0; row--) if (!this.has(row)) this.#free.push(row);
  }

  #grow(): void {
    const block = new SharedArrayBuffer(BLOCK_ROWS * this.dimensions * 4);
    this.blocks.push(block);
    this.#views.push(new Float32Array(block));
    this.#used.push(new Uint8Array(BLOCK_ROWS));
  }

  #mark(row: number, used: 0 | 1): void {
    const block = this.#used[Math.floor(row / BLOCK_ROWS)];
    if (block) block[row % BLOCK_ROWS] = used;
  }
}

/** The vector of `row` in blocks that another thread owns. */
export function rowOf(blocks: readonly SharedArrayBuffer[], row: number, dimensions: number) {
  const block = blocks[Math.floor(row / BLOCK_ROWS)];
  if (!block) throw new RangeError(`there is no row ${row}`);
  return new Float32Array(block, (row % BLOCK_ROWS) * dimensions * 4, dimensions);
}
