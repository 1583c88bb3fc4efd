/** A snapshot is written after this long without a change, so that an import writes one at its end. */
const QUIET_MS = 10_000;
/** And at the latest this long after the first change that it lacks. */
const LATEST_MS = 300_000;

/** Decides when a snapshot is written; one at a time, and again when changes came meanwhile. */
export class SnapshotSchedule {
  #timer: NodeJS.Timeout | undefined;
  #due: number | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    /** Writes a snapshot, and never rejects. */
    private readonly write: () => Promise<void>,
    private readonly quietMs = QUIET_MS,
    private readonly latestMs = LATEST_MS,
  ) {}

  /** Something changed. */
  changed(): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#due ??= now + this.latestMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#start(), Math.min(this.quietMs, this.#due - now));
    this.#timer.unref();
  }

  /** Writes what is outstanding, and no more from then on. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#due !== undefined) this.#start();
    await this.#writing;
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#due = undefined;
    this.#writing = this.#writing.then(this.write);
  }
}
