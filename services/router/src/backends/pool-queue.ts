import { SlidingWindow } from './sliding-window.js';

export interface QueueSettings {
  /** Requests that may wait for the pool at a time, at all routers together; 0: none. */
  size: number;
  /** The longest that one waits. */
  timeoutMs: number;
  /** Share of the requests that find the pool full which go to a fallback pool with room. */
  spill: number;
}

/** Over so long the pace is measured at which slots become free. */
const PACE_WINDOW_MS = 10_000;
const LONGEST_RETRY_AFTER_S = 600;

/** What a pool knows of the requests that wait for it; the line itself is the ledger's. */
export class PoolQueue {
  /** Since the start: refused because too many waited, and because they waited too long. */
  readonly refused = { full: 0, late: 0 };
  readonly #slots: SlidingWindow;
  #credit = 0;

  constructor(
    public settings: QueueSettings,
    now: () => number = () => performance.now(),
  ) {
    this.#slots = new SlidingWindow(PACE_WINDOW_MS, now);
  }

  /** Whether the next request that finds the pool full may move; evenly spread over all of them. */
  spillsNext(): boolean {
    this.#credit += this.settings.spill;
    // Of ten times 0.1 a little is missing.
    const spills = this.#credit >= 1 - 1e-9;
    if (spills) this.#credit -= 1;
    return spills;
  }

  /** A request got a slot. */
  gotSlot(): void {
    this.#slots.add(1, 0);
  }

  /**
   * Whole seconds after which a request that comes then should get a slot: those waiting before it,
   * by the pace at which requests of late got theirs here and, so it is taken, at the other routers.
   */
  retryAfterSeconds({ waiting, replicas }: { waiting: number; replicas: number }): number {
    const perSecond = (this.#slots.sums.total * replicas) / (PACE_WINDOW_MS / 1000);
    const expected = perSecond > 0 ? (waiting + 1) / perSecond : this.settings.timeoutMs / 1000;
    return Math.min(LONGEST_RETRY_AFTER_S, Math.max(1, Math.ceil(expected)));
  }
}
