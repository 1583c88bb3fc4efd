import type { Candidate, Shortlist } from '../balancing/policy.js';
import { chooseSlot } from './choose-slot.js';
import { ClusterView } from './cluster-view.js';
import type { Lease, WaitEnd, Waiting } from './connection-ledger.js';
import { HeldLeases } from './held-leases.js';
import type { AcquireReply, Overview, PoolScripts } from './pool-scripts.js';
import { RedisLine, type Slots, type Ticket } from './redis-line.js';
import { RedisLost, RedisPresence } from './redis-presence.js';

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
  /** Leases that Redis has been asked for. */
  readonly #underWay = new Set<string>();
  readonly #leaving = new Map<string, readonly string[]>();
  #renewing: Promise<void> | undefined;
  #looking = false;
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: RedisPoolOptions) {
    const { leaseMs, now, onChange } = options;
    this.#view = new ClusterView(leaseMs, now);
    this.#presence = new RedisPresence(leaseMs, now, (why) => {
      onChange(why);
      if (this.isLocal) this.#line.serveLocally();
    });
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
        const got = await this.#takeShared(shortlist);
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

  /** To be called often: renews, looks at the counts, lets the oldest waiters look again. */
  tick(): void {
    const { leaseMs, now } = this.options;
    // Three tries before the leases expire.
    if (this.isLocal || now() - this.#renewedAt > leaseMs / 4)
      void this.renew().catch(() => undefined);
    else if (!this.#looking) void this.#look();
    this.#line.lookAgain();
  }

  /** Enters all leases held in Redis; rejects with RedisLost. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
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
    return this.#takeShared(shortlist, ticket);
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

  /** The share of this router, and never what others were last seen to use. */
  #chooseLocally({ candidates, rule }: Shortlist) {
    const limited = candidates.map((candidate) => {
      const { id, capacity } = candidate;
      const share = Math.max(1, Math.floor(capacity / this.#view.replicas));
      return { ...candidate, capacity: Math.min(share, capacity - this.#view.others(id)) };
    });
    const here = (id: string) => this.#held.count(id);
    return chooseSlot({ candidates: limited, rule }, here, this.options.random);
  }

  async #takeShared(shortlist: Shortlist, ticket?: Ticket): Promise<Lease | 'full' | undefined> {
    const id = ticket?.id ?? this.options.newId();
    this.watch(shortlist.candidates.map((one) => one.id));
    this.#underWay.add(id);
    try {
      for (let attempt = 0; attempt < 2; attempt++) {
        const reply = await this.#askFor(id, shortlist, ticket);
        if (reply.taken) return this.#lease(reply.taken, id);
        if (reply.outcome === 'too many wait') return 'full';
        if (reply.outcome === 'no room') return undefined;
        // It slept past its leases, or Redis has lost them: what still runs counts first.
        await this.renew();
      }
      throw new RedisLost('leases lapse as soon as they are renewed');
    } finally {
      this.#underWay.delete(id);
    }
  }

  async #askFor(id: string, shortlist: Shortlist, ticket?: Ticket): Promise<AcquireReply> {
    const reply = await this.#presence.ask(() =>
      this.options.scripts.acquire({
        id,
        shortlist,
        here: (backendId) => this.#held.count(backendId),
        random: this.options.random(),
        shareOf: this.counts === 'rejoining' ? this.#view.replicas : 0,
        waiting: ticket,
      }),
    );
    this.#view.waiting = reply.waiting;
    for (const [place, { id: backendId }] of shortlist.candidates.entries()) {
      const mine = backendId === reply.taken?.id ? 1 : 0;
      const count = reply.counts[place];
      if (count !== undefined)
        this.#view.heard(backendId, count, this.#held.count(backendId) + mine);
    }
    return reply;
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

  async #renewOnce(): Promise<void> {
    const { scripts, now } = this.options;
    const ids = this.#view.backendIds;
    const held = new Map(ids.map((backendId) => [backendId, this.#held.of(backendId)]));
    const startedAt = now();
    const returnedFrom = this.isLocal ? this.#view.replicas : 0;
    const reply = await this.#presence.ask(() => scripts.renew(held, this.#underWay, returnedFrom));
    this.#renewedAt = startedAt;
    // While it rejoins, not everybody is there again.
    this.#heard(reply, ids, this.counts === 'shared' ? reply.replicas : this.#view.replicas);
    if (!this.isLocal) return;
    this.#presence.isBack();
    for (const [id, backendIds] of this.#leaving) this.leave(id, backendIds);
    this.#leaving.clear();
    this.#line.lookAgain();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const ids = this.#view.backendIds;
    try {
      const reply = await this.#presence.ask(() => this.options.scripts.look(ids));
      if (reply.replicas < 0) await this.renew();
      else this.#heard(reply, ids, this.counts === 'shared' ? reply.replicas : this.#view.replicas);
    } catch (error) {
      if (!(error instanceof RedisLost)) throw error;
    } finally {
      this.#looking = false;
    }
  }

  #heard({ waiting, counts }: Overview, backendIds: readonly string[], replicas: number): void {
    this.#view.waiting = waiting;
    this.#view.replicas = Math.max(1, replicas);
    for (const [place, backendId] of backendIds.entries())
      this.#view.heard(backendId, counts[place] ?? 0, this.#held.count(backendId));
  }
}
