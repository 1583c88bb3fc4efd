import { SlidingWindow } from './sliding-window.js';

export interface EjectionSettings {
  /** Failures in a row that take a backend out. */
  failures: number;
  /** Share of failures over the window that takes it out, once there were `minRequests`. */
  errorRate: number;
  minRequests: number;
  windowMs: number;
  /** The first ejection's length; each further one is twice as long, up to the maximum. */
  baseMs: number;
  maxMs: number;
}

export type EjectionReason = 'consecutive' | 'errorRate';

export interface EjectionConditions {
  /** Milliseconds from anywhere, monotonic. */
  now: () => number;
  /** Whether the pool can spare one more backend for its error rate. */
  sparable: () => boolean;
}

/**
 * Takes a backend out when its requests fail: so many in a row, or too large a share of those in a
 * sliding window. For baseMs * 2^n, growing each time until it has stayed well for as long as it was
 * out. (Envoy's outlier detection: consecutive 5xx and failure percentage.)
 */
export class OutlierEjection {
  readonly counts: Record<EjectionReason, number> = { consecutive: 0, errorRate: 0 };
  #window: SlidingWindow;
  #failuresInRow = 0;
  #growth = 0;
  #until = Number.NEGATIVE_INFINITY;
  #lastMs = 0;

  constructor(
    private settings: EjectionSettings,
    private readonly conditions: EjectionConditions,
  ) {
    this.#window = new SlidingWindow(settings.windowMs, conditions.now);
  }

  /** An ejection that runs goes on as it was. */
  reconfigure(settings: EjectionSettings): void {
    if (settings.windowMs !== this.settings.windowMs)
      this.#window = new SlidingWindow(settings.windowMs, this.conditions.now);
    this.settings = settings;
  }

  /** Milliseconds until the ejection ends; 0: not ejected. */
  get leftMs(): number {
    // Asked of every backend for every request: no clock is read where there was no ejection.
    return this.#growth === 0 ? 0 : Math.max(0, this.#until - this.conditions.now());
  }

  /** When the last ejection ended or will end; -Infinity: there was none. */
  get until(): number {
    return this.#until;
  }

  /** Failures and answers over the window. */
  get recent(): { requests: number; failures: number } {
    const { total, marked } = this.#window.sums;
    return { requests: total, failures: marked };
  }

  /** The backend was asked and something came of it; whether it was well is said separately. */
  asked(): void {
    this.#window.add(1, 0);
  }

  succeeded(): void {
    this.#failuresInRow = 0;
    if (this.#growth > 0 && this.conditions.now() > this.#until + this.#lastMs) this.#growth = 0;
  }

  /** `eligible`: in use, so that there is something to take out. Says why it was ejected, if it was. */
  failed(eligible: boolean): EjectionReason | undefined {
    this.#failuresInRow++;
    this.#window.add(0, 1);
    const reason = eligible ? this.#reason() : undefined;
    if (reason) this.#eject(reason);
    return reason;
  }

  #reason(): EjectionReason | undefined {
    if (this.#failuresInRow >= this.settings.failures) return 'consecutive';
    const { requests, failures } = this.recent;
    const { minRequests, errorRate } = this.settings;
    const tooMany = requests >= minRequests && failures >= errorRate * requests;
    return tooMany && this.conditions.sparable() ? 'errorRate' : undefined;
  }

  #eject(reason: EjectionReason): void {
    const { baseMs, maxMs } = this.settings;
    this.#lastMs = Math.min(maxMs, baseMs * 2 ** this.#growth);
    this.#until = this.conditions.now() + this.#lastMs;
    this.#growth++;
    this.#failuresInRow = 0;
    // What it did before says nothing about how it comes back.
    this.#window.clear();
    this.counts[reason]++;
  }
}
