/**
 * The places where requests generate. Invariants: nobody waits while a place is free, places are
 * granted in the order of queueing, and `used` exceeds `limit` only after the limit was lowered.
 */
export class Slots {
  #limit: number;
  #used = 0;
  #maxUsed = 0;
  #maxWaiting = 0;
  /** A set keeps insertion order and lets a waiter in the middle leave in O(1). */
  readonly #waiting = new Set<() => void>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }
  get waiting(): number {
    return this.#waiting.size;
  }
  get maxUsed(): number {
    return this.#maxUsed;
  }
  get maxWaiting(): number {
    return this.#maxWaiting;
  }

  tryTake(): boolean {
    if (this.#used >= this.#limit) return false;
    this.#used += 1;
    if (this.#used > this.#maxUsed) this.#maxUsed = this.#used;
    return true;
  }

  /** `granted` is called when a place was taken for the caller; the answer leaves the queue. */
  queue(granted: () => void): () => void {
    this.#waiting.add(granted);
    if (this.#waiting.size > this.#maxWaiting) this.#maxWaiting = this.#waiting.size;
    return () => this.#waiting.delete(granted);
  }

  give(): void {
    this.#used -= 1;
    this.#admit();
  }

  resize(limit: number): void {
    this.#limit = limit;
    this.#admit();
  }

  /** Peaks begin again from now. */
  resetPeaks(): void {
    this.#maxUsed = this.#used;
    this.#maxWaiting = this.#waiting.size;
  }

  #admit(): void {
    for (const granted of this.#waiting) {
      if (!this.tryTake()) return;
      this.#waiting.delete(granted);
      granted();
    }
  }
}
