interface Known {
  count: number;
  /** Of them, those of other routers. */
  others: number;
  at: number;
}

/**
 * What this router last heard of the counts of all routers. What it heard of the others' leases is
 * good for one lease time, as the leases themselves are.
 */
export class ClusterView {
  waiting = 0;
  replicas = 1;
  readonly #known = new Map<string, Known>();

  constructor(
    private readonly leaseMs: number,
    private readonly now: () => number,
  ) {}

  get backendIds(): string[] {
    return [...this.#known.keys()];
  }

  /** From now on this backend is looked at too. */
  add(backendId: string): void {
    if (!this.#known.has(backendId)) this.#known.set(backendId, { count: 0, others: 0, at: 0 });
  }

  heard(backendId: string, count: number, here: number): void {
    const others = Math.max(0, count - here);
    this.#known.set(backendId, { count, others, at: this.now() });
  }

  /** One of ours ended; Redis will say so too. */
  ended(backendId: string): void {
    const known = this.#known.get(backendId);
    if (known && known.count > 0) known.count--;
  }

  count(backendId: string): number {
    return this.#known.get(backendId)?.count ?? 0;
  }

  /** Leases of other routers that may still be running; 0 when that is not known any more. */
  others(backendId: string): number {
    const known = this.#known.get(backendId);
    return known && this.now() - known.at < this.leaseMs ? known.others : 0;
  }
}
