import { SlidingWindow } from './sliding-window.js';

export interface RetrySettings {
  /** Retries per request, over the window. */
  budget: number;
  /** Retries that are allowed each second however few requests there are. */
  minPerSecond: number;
  windowMs: number;
}

/**
 * Bounds retries and hedges of a pool, so that a pool in trouble does not get a multiple of its
 * traffic on top: over the window, budget x requests + minPerSecond x window. (Finagle's RetryBudget.)
 * An attempt that followed one which no backend can have seen is no retry and costs nothing.
 */
export class RetryBudget {
  /** Since the start: taken, and refused. */
  taken = 0;
  denied = 0;
  #window: SlidingWindow;

  constructor(
    private settings: RetrySettings,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#window = new SlidingWindow(settings.windowMs, now);
  }

  /** With another window it begins anew. */
  reconfigure(settings: RetrySettings): void {
    if (settings.windowMs !== this.settings.windowMs)
      this.#window = new SlidingWindow(settings.windowMs, this.now);
    this.settings = settings;
  }

  /** Whole retries that may be made now. */
  get left(): number {
    const { total, marked } = this.#window.sums;
    // Of a product such as 0.2 * 15 a little may be missing.
    const { budget, minPerSecond, windowMs } = this.settings;
    const allowed = budget * total + (minPerSecond * windowMs) / 1000;
    return Math.max(0, Math.floor(allowed - marked + 1e-9));
  }

  request(): void {
    this.#window.add(1, 0);
  }

  /** Takes one retry; false: there is none left. */
  take(): boolean {
    const granted = this.left > 0;
    if (granted) {
      this.#window.add(0, 1);
      this.taken++;
    } else this.denied++;
    return granted;
  }

  /** For a retry that was taken and then not made, since there was no backend for it. */
  giveBack(): void {
    this.#window.add(0, -1);
    this.taken--;
  }
}
