/** Time after which an estimate has decayed to 1/e, in milliseconds. As in Finagle and linkerd. */
const DECAY_MS = 10_000;
/** A failure counts as at least this slow, however quickly it came. */
const FAILURE_MS = 1000;
/** Failures in a row double an estimate no further than this. */
const MOST_FAILURE_MS = 60_000;

/**
 * Peak-EWMA of the time to first byte, in milliseconds: a sample above the estimate replaces it, one
 * below pulls it down by 1 - w, with w = exp(-age / DECAY_MS); without samples it decays towards 0,
 * so that a backend which was slow is tried again. After Finagle's
 * `com.twitter.finagle.loadbalancer.PeakEwma` and linkerd's `peak_ewma`.
 */
export class PeakEwma {
  #value: number | undefined;
  #at = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** undefined before the first sample. */
  get estimateMs(): number | undefined {
    return this.#value === undefined ? undefined : this.#value * this.#kept();
  }

  answered(afterMs: number): void {
    const decayed = this.estimateMs ?? 0;
    const pulled = decayed + afterMs * (1 - this.#kept());
    this.#value = afterMs > decayed ? afterMs : pulled;
    this.#at = this.now();
  }

  /** Given up after so long without a first byte, for no fault of its own: it takes at least that. */
  waited(elapsedMs: number): void {
    if (elapsedMs > (this.estimateMs ?? 0)) this.answered(elapsedMs);
  }

  /**
   * A failure must never look quick: it counts as long as it took, as twice the slowest of the
   * others, and as twice its own estimate, whichever is most.
   */
  failed(elapsedMs: number, slowestOtherMs: number): void {
    const doubled = Math.min(2 * (this.estimateMs ?? 0), MOST_FAILURE_MS);
    this.answered(Math.max(elapsedMs, FAILURE_MS, 2 * slowestOtherMs, doubled));
  }

  #kept(): number {
    return Math.exp(-Math.max(0, this.now() - this.#at) / DECAY_MS);
  }
}
