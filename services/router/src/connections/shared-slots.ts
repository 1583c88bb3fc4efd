import type { Candidate, Shortlist } from '../balancing/policy.js';
import type { ClusterView } from './cluster-view.js';
import type { Lease } from './connection-ledger.js';
import type { HeldLeases } from './held-leases.js';
import type { AcquireReply, PoolScripts } from './pool-scripts.js';
import type { Ticket } from './redis-line.js';
import { RedisLost, type RedisPresence } from './redis-presence.js';

export interface SharedSlotsOptions {
  scripts: PoolScripts;
  held: HeldLeases;
  view: ClusterView;
  presence: RedisPresence;
  random: () => number;
  /** Called in the same step in which the lease is no longer under way. */
  hold: (candidate: Candidate, id: string) => Lease;
  /** Enters in Redis what is held; rejects with RedisLost. */
  renew: () => Promise<void>;
}

interface Asked {
  /** Of the lease. */
  id: string;
  /** Of one that waits when there is no room. */
  ticket?: Ticket;
}

/** The slots of a pool as Redis gives them. */
export class SharedSlots {
  /** Leases that Redis has been asked for. */
  readonly underWay = new Set<string>();

  constructor(private readonly options: SharedSlotsOptions) {}

  /** Rejects with RedisLost. `full`: no more may wait. */
  async take(shortlist: Shortlist, asked: Asked): Promise<Lease | 'full' | undefined> {
    const { id } = asked;
    for (const candidate of shortlist.candidates) this.options.view.add(candidate.id);
    this.underWay.add(id);
    try {
      for (let attempt = 0; attempt < 2; attempt++) {
        const reply = await this.#ask(shortlist, asked);
        if (reply.taken) return this.options.hold(reply.taken, id);
        if (reply.outcome === 'too many wait') return 'full';
        if (reply.outcome === 'no room') return undefined;
        // It slept past its leases, or Redis has lost them: what still runs counts first.
        await this.options.renew();
      }
      throw new RedisLost('leases lapse as soon as they are renewed');
    } finally {
      this.underWay.delete(id);
    }
  }

  async #ask(shortlist: Shortlist, { id, ticket }: Asked): Promise<AcquireReply> {
    const { scripts, held, view, presence, random } = this.options;
    const reply = await presence.ask(() =>
      scripts.acquire({
        id,
        shortlist,
        random: random(),
        shareOf: presence.counts === 'rejoining' ? view.replicas : 0,
        waiting: ticket,
      }),
    );
    view.waiting = reply.waiting;
    for (const [place, { id: backendId }] of shortlist.candidates.entries()) {
      const mine = backendId === reply.taken?.id ? 1 : 0;
      const count = reply.counts[place];
      if (count !== undefined) view.heard(backendId, count, held.count(backendId) + mine);
    }
    return reply;
  }
}
