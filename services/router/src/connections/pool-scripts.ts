import { type Candidate, LEAST_SHARE, type Shortlist } from '../balancing/policy.js';
import type { RedisKeys } from './redis-keys.js';
import { rejoinMs } from './redis-presence.js';
import type { RedisScripts } from './redis-scripts.js';

/** A router that was not seen for so long does not hold up the waiters of others. */
const SEEN_GRACE_MS = 1000;

export interface AcquireRequest {
  id: string;
  shortlist: Shortlist;
  /** In [0, 1); breaks ties. */
  random: number;
  /** 0, or: keep to the share of one among so many routers. */
  shareOf: number;
  /** Undefined: it does not wait when there is no room. */
  waiting?: { waitedMs: number; limit: number } | undefined;
}

export interface AcquireReply {
  outcome: 'taken' | 'no room' | 'lapsed' | 'too many wait';
  taken: Candidate | undefined;
  waiting: number;
  /** By place in the shortlist. */
  counts: readonly number[];
}

/** Lua has no name for infinity. */
const ANY_SHARE = 1e12;

const finite = (capacity: number) => (Number.isFinite(capacity) ? capacity : -1);

const OUTCOMES = new Map<number, AcquireReply['outcome']>([
  [1, 'taken'],
  [0, 'no room'],
  [-1, 'lapsed'],
  [-2, 'too many wait'],
]);

/** How many replicas, how many waiters, and the leases on each backend. */
export interface Overview {
  /** -1: the leases of the one who asks have lapsed. */
  replicas: number;
  waiting: number;
  counts: readonly number[];
}

const overview = (reply: unknown): Overview => {
  const [replicas = 0, waiting = 0, ...counts] = reply as number[];
  return { replicas, waiting, counts };
};

/** The scripts on the keys of one pool, for one router. */
export class PoolScripts {
  constructor(
    private readonly scripts: RedisScripts,
    private readonly keys: RedisKeys,
    private readonly replica: string,
    private readonly leaseMs: number,
  ) {}

  async acquire({
    id,
    shortlist,
    random,
    shareOf,
    waiting,
  }: AcquireRequest): Promise<AcquireReply> {
    const { keys } = this;
    const { candidates, rule, shares = [] } = shortlist;
    const { among = 0, plus = 0 } = rule.kind === 'leastLoaded' ? rule : {};
    const reply = await this.scripts.run(
      'acquire',
      [keys.replicas, keys.seen, keys.waiting, keys.rebuilding].concat(
        candidates.flatMap((one) => [keys.leases(one.id), keys.line(one.id)]),
      ),
      [
        ...[id, this.leaseMs, among, plus, random, shareOf],
        ...[waiting ? Math.round(waiting.waitedMs * 1000) : -1, waiting?.limit ?? 0],
        ...[SEEN_GRACE_MS, keys.freed, shares.length, LEAST_SHARE],
        ...candidates.flatMap(({ capacity, weight }) => [finite(capacity), weight]),
        ...shares.map((share) => Math.min(share, ANY_SHARE)),
      ],
    );
    const [outcome = 0, chosen = 0, waiters = 0, ...counts] = reply as number[];
    return {
      outcome: OUTCOMES.get(outcome) ?? 'no room',
      taken: candidates[chosen - 1],
      waiting: waiters,
      counts,
    };
  }

  /** Resolves to the leases left on the backend. */
  async release(id: string, backendId: string, capacity: number): Promise<number> {
    const { seen, waiting, freed } = this.keys;
    const keys = [seen, waiting, this.keys.leases(backendId), this.keys.line(backendId)];
    const args = [id, finite(capacity), SEEN_GRACE_MS, freed];
    return (await this.scripts.run('release', keys, args)) as number;
  }

  async leave(id: string, backendIds: readonly string[]): Promise<void> {
    const { seen, waiting, freed } = this.keys;
    const lines = backendIds.map((backendId) => this.keys.line(backendId));
    await this.scripts.run('leave', [seen, waiting, ...lines], [id, SEEN_GRACE_MS, freed]);
  }

  async renew(
    held: ReadonlyMap<string, readonly string[]>,
    underWay: Iterable<string>,
    lastReplicas: number,
  ): Promise<Overview> {
    const { replicas, seen, waiting, rebuilding } = this.keys;
    const leases = [...held.keys()].map((backendId) => this.keys.leases(backendId));
    return overview(
      await this.scripts.run(
        'renew',
        [replicas, seen, waiting, rebuilding, ...leases],
        [
          ...[this.replica, this.leaseMs, lastReplicas, rejoinMs(this.leaseMs)],
          ...[...held.values()].flatMap((ids) => [ids.length, ...ids]),
          ...underWay,
        ],
      ),
    );
  }

  async look(backendIds: readonly string[]): Promise<Overview> {
    const { replicas, seen, waiting } = this.keys;
    const leases = backendIds.map((backendId) => this.keys.leases(backendId));
    return overview(
      await this.scripts.run('look', [replicas, seen, waiting, ...leases], [this.replica]),
    );
  }

  async retire(backendIds: readonly string[]): Promise<void> {
    const { replicas, seen, waiting, freed } = this.keys;
    const both = backendIds.flatMap((id) => [this.keys.leases(id), this.keys.line(id)]);
    await this.scripts.run(
      'retire',
      [replicas, seen, waiting, ...both],
      [...[this.replica, SEEN_GRACE_MS, freed]],
    );
  }
}
