/** Redis did not answer, or not in time. */
export class RedisLost extends Error {}

/** An answer later than this counts as none: requests wait for it. */
const ANSWER_MS = 1000;

/**
 * Whether Redis is there for a pool. When one call fails all fail at once, so that a Redis that
 * hangs costs a request one second, and only those that came before that was known.
 */
export class RedisPresence {
  readonly #underWay = new Set<(reason: RedisLost) => void>();
  #isThere = true;
  #rejoinedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly leaseMs: number,
    private readonly now: () => number,
    private readonly onChange: (why?: unknown) => void,
  ) {}

  get counts(): 'shared' | 'rejoining' | 'local' {
    if (!this.#isThere) return 'local';
    return this.now() - this.#rejoinedAt < this.leaseMs ? 'rejoining' : 'shared';
  }

  /** Throws RedisLost, after which Redis is taken to be away until `isBack`. */
  async ask<T>(call: () => Promise<T>): Promise<T> {
    let fail: (reason: RedisLost) => void = () => undefined;
    const failure = new Promise<never>((_, reject) => {
      fail = reject;
    });
    // A process that was stopped finds its timers run out before it reads what has come meanwhile.
    const late = () => setImmediate(() => fail(new RedisLost('no answer in time')));
    const limit = setTimeout(late, ANSWER_MS);
    this.#underWay.add(fail);
    try {
      return await Promise.race([call(), failure]);
    } catch (error) {
      const lost =
        error instanceof RedisLost ? error : new RedisLost(String(error), { cause: error });
      this.#isLost(lost);
      throw lost;
    } finally {
      clearTimeout(limit);
      this.#underWay.delete(fail);
    }
  }

  /** All that this router holds is in Redis again. */
  isBack(): void {
    if (this.#isThere) return;
    this.#isThere = true;
    this.#rejoinedAt = this.now();
    this.onChange();
  }

  /** Resolves when nothing is under way; `ask` bounds how long that takes. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  #isLost(reason: RedisLost): void {
    if (!this.#isThere) return;
    this.#isThere = false;
    for (const reject of [...this.#underWay]) reject(reason);
    this.onChange(reason);
  }
}
