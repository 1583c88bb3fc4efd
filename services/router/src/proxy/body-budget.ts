/** Bodies up to this size are not counted: thousands of them fit anywhere. */
export const FREE_BYTES = 64 * 1024;

/** What the bodies of all running requests may take together, so that uploads cannot use up memory. */
export class BodyBudget {
  #used = 0;

  constructor(readonly maxBytes: number) {}

  get usedBytes(): number {
    return this.#used;
  }

  /** False when so much more is not to be had now; one body always is. */
  take(bytes: number): boolean {
    if (this.#used > 0 && this.#used + bytes > this.maxBytes) return false;
    this.#used += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#used -= bytes;
  }
}

/** What one request has taken of it. */
export class BodyShare {
  #taken = 0;

  constructor(private readonly budget: BodyBudget) {}

  /** Takes what a body that has grown to `length` needs; false when that is not to be had. */
  holds(length: number): boolean {
    const needed = length <= FREE_BYTES ? 0 : length - this.#taken;
    if (needed > 0 && !this.budget.take(needed)) return false;
    if (needed > 0) this.#taken += needed;
    return true;
  }

  release(): void {
    if (this.#taken > 0) this.budget.giveBack(this.#taken);
    this.#taken = 0;
  }
}
