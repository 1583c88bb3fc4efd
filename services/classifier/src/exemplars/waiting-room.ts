/** Where callers wait until less than some number is in the way. */
export class WaitingRoom {
  #waiting: { limit: number; resolve: () => void }[] = [];
  #closed = false;

  constructor(private readonly size: () => number) {}

  /** Resolves when less than `limit` is in the way, or nobody is to wait any more. */
  below(limit: number): Promise<void> {
    if (this.size() < limit || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ limit, resolve }));
  }

  /** Lets go whoever need not wait any more. */
  check(): void {
    const size = this.size();
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ limit }) => size >= limit);
    for (const { limit, resolve } of waiting) if (size < limit) resolve();
  }

  close(): void {
    this.#closed = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }
}
