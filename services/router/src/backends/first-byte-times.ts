/** Enough for a percentile, few enough to follow a pool that changes. */
const KEPT = 512;
/** Samples after which the percentile is worked out anew. */
const REFRESH = 16;

/** The last times to first byte of a pool, in milliseconds. */
export class FirstByteTimes {
  readonly #samples: number[] = [];
  #count = 0;
  #known: { percentile: number; at: number; value: number } | undefined;

  add(ms: number): void {
    this.#samples[this.#count++ % KEPT] = ms;
  }

  /** Nearest rank, up to 15 samples late; undefined while there are fewer than `minSamples`. */
  percentile(percentile: number, minSamples: number): number | undefined {
    if (this.#count < Math.max(1, minSamples)) return undefined;
    const known = this.#known;
    if (known && known.percentile === percentile && this.#count - known.at < REFRESH)
      return known.value;
    const sorted = Float64Array.from(this.#samples).sort();
    const value = sorted[Math.ceil((percentile / 100) * sorted.length) - 1] ?? 0;
    this.#known = { percentile, at: this.#count, value };
    return value;
  }
}
