import type { ClusterView } from './cluster-view.js';
import type { HeldLeases } from './held-leases.js';
import type { Overview, PoolScripts } from './pool-scripts.js';
import { RedisLost, type RedisPresence } from './redis-presence.js';

export interface RedisUpkeepOptions {
  scripts: PoolScripts;
  held: HeldLeases;
  /** Leases that Redis has been asked for. */
  underWay: ReadonlySet<string>;
  view: ClusterView;
  presence: RedisPresence;
  leaseMs: number;
  /** Milliseconds, monotonic. */
  now: () => number;
}

/** Makes Redis agree with what a router holds of one pool, and the router's view with Redis. */
export class RedisUpkeep {
  #renewing: Promise<void> | undefined;
  #looking = false;
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: RedisUpkeepOptions) {}

  /** To be called often: renews in good time, and looks at the counts. */
  tick(): void {
    const { leaseMs, now } = this.options;
    // Three tries before the leases expire.
    if (this.#isLocal || now() - this.#renewedAt > leaseMs / 4)
      void this.renew().catch(() => undefined);
    else if (!this.#looking) void this.#look();
  }

  /** Enters all leases held in Redis; rejects with RedisLost. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  get #isLocal(): boolean {
    return this.options.presence.counts === 'local';
  }

  async #renewOnce(): Promise<void> {
    const { scripts, held, underWay, view, presence, now } = this.options;
    const ids = view.backendIds;
    const leases = new Map(ids.map((backendId) => [backendId, held.of(backendId)]));
    const startedAt = now();
    const reply = await presence.ask(() => scripts.renew(leases, underWay, view.replicas));
    this.#renewedAt = startedAt;
    this.#heard(reply, ids);
    presence.isBack();
  }

  async #look(): Promise<void> {
    const { scripts, view, presence } = this.options;
    this.#looking = true;
    const ids = view.backendIds;
    try {
      const reply = await presence.ask(() => scripts.look(ids));
      if (reply.replicas < 0) await this.renew();
      else this.#heard(reply, ids);
    } catch (error) {
      if (!(error instanceof RedisLost)) throw error;
    } finally {
      this.#looking = false;
    }
  }

  #heard({ replicas, waiting, counts }: Overview, backendIds: readonly string[]): void {
    const { view, held, presence } = this.options;
    view.waiting = waiting;
    // While this router rejoins, not everybody is there again.
    if (presence.counts === 'shared') view.replicas = Math.max(1, replicas);
    for (const [place, backendId] of backendIds.entries())
      view.heard(backendId, counts[place] ?? 0, held.count(backendId));
  }
}
