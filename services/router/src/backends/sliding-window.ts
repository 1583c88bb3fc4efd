const SLICES = 10;

interface Slice {
  /** Which stretch of time it counts; a slice of another one is stale. */
  index: number;
  total: number;
  marked: number;
}

/** Counts events, and how many of them are marked, over the last `windowMs` in steps of a tenth. */
export class SlidingWindow {
  readonly #slices: Slice[] = Array.from({ length: SLICES }, () => ({
    index: Number.NEGATIVE_INFINITY,
    total: 0,
    marked: 0,
  }));
  readonly #sliceMs: number;

  constructor(
    windowMs: number,
    private readonly now: () => number,
  ) {
    this.#sliceMs = windowMs / SLICES;
  }

  add(total: number, marked: number): void {
    const index = this.#index();
    const slice = this.#slices[((index % SLICES) + SLICES) % SLICES];
    if (!slice) return;
    if (slice.index !== index) Object.assign(slice, { index, total: 0, marked: 0 });
    slice.total += total;
    slice.marked += marked;
  }

  get sums(): { total: number; marked: number } {
    const oldest = this.#index() - SLICES;
    const sums = { total: 0, marked: 0 };
    for (const { index, total, marked } of this.#slices) {
      if (index <= oldest) continue;
      sums.total += total;
      sums.marked += marked;
    }
    return sums;
  }

  clear(): void {
    for (const slice of this.#slices) slice.index = Number.NEGATIVE_INFINITY;
  }

  #index(): number {
    return Math.floor(this.now() / this.#sliceMs);
  }
}
