import type { Lease, WaitEnd, Waiting } from './connection-ledger.js';

/** A waiting request: it ends once, and what is given to it afterwards is given back. */
export class Waiter {
  readonly end: Promise<WaitEnd>;
  readonly #since = performance.now();
  #resolve: ((end: WaitEnd) => void) | undefined;

  constructor(
    readonly waiting: Waiting,
    private readonly onEnd: (waiter: Waiter) => void,
  ) {
    this.end = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    waiting.signal.addEventListener('abort', this.#giveUp);
  }

  get hasEnded(): boolean {
    return this.#resolve === undefined;
  }

  get waitedMs(): number {
    return performance.now() - this.#since;
  }

  finish(end: WaitEnd): void {
    if (!this.#resolve) {
      if (typeof end === 'object') end.release();
      return;
    }
    this.waiting.signal.removeEventListener('abort', this.#giveUp);
    this.#resolve(end);
    this.#resolve = undefined;
    this.onEnd(this);
  }

  readonly #giveUp = () => this.finish('ended');
}

/** Oldest first, each takes what it can; `most` of them at the most. */
export function serve(
  waiters: Iterable<Waiter>,
  take: (waiter: Waiter) => Lease | undefined,
  most = Number.POSITIVE_INFINITY,
): void {
  let served = 0;
  for (const waiter of waiters) {
    if (served === most) return;
    const lease = take(waiter);
    if (!lease) continue;
    waiter.finish(lease);
    served++;
  }
}
