import type { Candidate, Shortlist } from '../balancing/policy.js';
import { chooseSlot } from './choose-slot.js';
import { ClusterView } from './cluster-view.js';
import type { Lease, WaitEnd, Waiting } from './connection-ledger.js';
import { HeldLeases } from './held-leases.js';
import { limitedToShare } from './local-share.js';
import type { PoolScripts } from './pool-scripts.js';
import { RedisLine, type Slots, type Ticket } from './redis-line.js';
import { RedisLost, RedisPresence } from './redis-presence.js';
import { RedisUpkeep } from './redis-upkeep.js';
import { SharedSlots } from './shared-slots.js';

export interface RedisPoolOptions {
  scripts: PoolScripts;
  leaseMs: number;
  /** A name that no lease or waiter has had. */
  newId: () => string;
  random: () => number;
  /** Milliseconds, monotonic. */
  now: () => number;
  onChange: (why?: unknown) => void;
}

/** Waiters that left while Redis was away and are still to be told; more are dropped by Redis itself. */
const MAX_LEAVING = 10_000;

/**
 * The connections of one pool. A lease is known here while it is held and in Redis until it is
 * given back or expires; what is held here is what renewal enters there, whatever happened to Redis.
 */
export class RedisPool implements Slots {
  readonly #held = new HeldLeases();
  readonly #view: ClusterView;
  readonly #presence: RedisPresence;
  readonly #line = new RedisLine(this);
  readonly #leaving = new Map<string, readonly string[]>();
  readonly #shared: SharedSlots;
  readonly #upkeep: RedisUpkeep;

  constructor(private readonly options: RedisPoolOptions) {
    const { scripts, leaseMs, now, random, onChange } = options;
    this.#view = new ClusterView(leaseMs, now);
    this.#presence = new RedisPresence(leaseMs, now, (why) => {
      onChange(why);
      if (this.isLocal) this.#line.serveLocally();
      else this.#returned();
    });
    const state = { scripts, held: this.#held, view: this.#view, presence: this.#presence };
    this.#shared = new SharedSlots({
      ...state,
      random,
      hold: (candidate, id) => this.#lease(candidate, id),
      renew: () => this.renew(),
    });
    this.#upkeep = new RedisUpkeep({ ...state, leaseMs, now, underWay: this.#shared.underWay });
  }

  get counts() {
    return this.#presence.counts;
  }

  get isLocal(): boolean {
    return this.counts === 'local';
  }

  get replicas(): number {
    return this.#view.replicas;
  }

  watch(backendIds: Iterable<string>): void {
    for (const id of backendIds) this.#view.add(id);
  }

  async acquire(shortlist: Shortlist): Promise<Lease | undefined> {
    if (shortlist.candidates.length === 0) return undefined;
    if (!this.isLocal)
      try {
        const got = await this.#shared.take(shortlist, { id: this.options.newId() });
        return got === 'full' ? undefined : got;
      } catch (error) {
        if (!(error instanceof RedisLost)) throw error;
      }
    if (this.#line.length > 0 && this.#chooseLocally(shortlist)) this.#line.serveLocally();
    return this.takeLocally(shortlist);
  }

  wait(waiting: Waiting): Promise<WaitEnd> {
    return this.#line.wait(this.options.newId(), waiting);
  }

  /** Redis says that a slot is free for this waiter. */
  call(id: string): void {
    // One that left while Redis was away would hold up the others.
    if (!this.#line.call(id)) this.leave(id, this.#view.backendIds);
  }

  inFlight(backendId: string): { here: number; cluster: number } {
    const here = this.#held.count(backendId);
    const cluster = this.isLocal
      ? here + this.#view.others(backendId)
      : Math.max(here, this.#view.count(backendId));
    return { here, cluster };
  }

  get waiting(): { here: number; cluster: number } {
    const here = this.#line.length;
    return { here, cluster: this.isLocal ? here : Math.max(here, this.#view.waiting) };
  }

  /** To be called often: looks after the leases, lets the oldest waiters look again. */
  tick(): void {
    this.#upkeep.tick();
    this.#line.lookAgain();
  }

  /** Enters all leases held in Redis; rejects with RedisLost. */
  renew(): Promise<void> {
    return this.#upkeep.renew();
  }

  async close(): Promise<void> {
    this.#line.endAll();
    await this.#presence.settled();
    if (!this.isLocal)
      await this.#presence
        .ask(() => this.options.scripts.retire(this.#view.backendIds))
        .catch(() => undefined);
  }

  async take(shortlist: Shortlist, ticket: Ticket): Promise<Lease | 'full' | undefined> {
    return this.#shared.take(shortlist, { id: ticket.id, ticket });
  }

  takeLocally(shortlist: Shortlist): Lease | undefined {
    const chosen = this.#chooseLocally(shortlist);
    return chosen && this.#lease(chosen, this.options.newId());
  }

  leave(id: string, backendIds: readonly string[]): void {
    if (this.isLocal) {
      if (this.#leaving.size < MAX_LEAVING) this.#leaving.set(id, backendIds);
      return;
    }
    this.#presence
      .ask(() => this.options.scripts.leave(id, backendIds))
      .catch(() => this.#leaving.set(id, backendIds));
  }

  #chooseLocally(shortlist: Shortlist) {
    const here = (id: string) => this.#held.count(id);
    return chooseSlot(limitedToShare(shortlist, this.#view), here, this.options.random);
  }

  #lease({ id: backendId, capacity }: Candidate, id: string): Lease {
    this.#held.add(backendId, id);
    return { backendId, release: () => this.#release(backendId, capacity, id) };
  }

  #release(backendId: string, capacity: number, id: string): void {
    if (!this.#held.remove(backendId, id)) return;
    this.#view.ended(backendId);
    if (this.isLocal) {
      this.#line.serveLocally(1);
      return;
    }
    this.#presence
      .ask(() => this.options.scripts.release(id, backendId, capacity))
      .then(
        (count) => this.#view.heard(backendId, count, this.#held.count(backendId)),
        // Renewal takes out what is not held any more.
        () => undefined,
      );
  }

  /** Those who left while Redis was away are still in its lines. */
  #returned(): void {
    for (const [id, backendIds] of this.#leaving) this.leave(id, backendIds);
    this.#leaving.clear();
    this.#line.lookAgain();
  }
}
