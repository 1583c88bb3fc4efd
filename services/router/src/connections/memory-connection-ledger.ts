import type { Candidate, Shortlist } from '../balancing/policy.js';
import { chooseSlot } from './choose-slot.js';
import type {
  ConnectionLedger,
  Lease,
  LedgerStatus,
  WaitEnd,
  Waiting,
} from './connection-ledger.js';
import { serve, Waiter } from './waiter.js';

/** Waiters look again this often, since a backend that comes back tells nobody. */
const LOOK_AGAIN_MS = 250;

/** Counts of this process alone; nothing can come between the choice and the taking. */
export class MemoryConnectionLedger implements ConnectionLedger {
  readonly #counts = new Map<string, number>();
  readonly #waiters = new Map<string, Set<Waiter>>();
  #lookAgain: NodeJS.Timeout | undefined;

  constructor(private readonly random: () => number = Math.random) {}

  async acquire(pool: string, shortlist: Shortlist): Promise<Lease | undefined> {
    return this.#take(pool, shortlist);
  }

  async wait(pool: string, waiting: Waiting): Promise<WaitEnd> {
    if (waiting.signal.aborted) return 'ended';
    const lease = this.#take(pool, waiting.shortlist());
    if (lease) return lease;
    const waiters = this.#waiters.get(pool) ?? new Set();
    if (waiters.size >= waiting.limit) return 'full';
    const waiter = new Waiter(waiting, (ended) => {
      waiters.delete(ended);
      if (waiters.size === 0) this.#waiters.delete(pool);
    });
    this.#waiters.set(pool, waiters.add(waiter));
    this.#lookAgain ??= setInterval(() => this.#serveAll(), LOOK_AGAIN_MS);
    return waiter.end;
  }

  inFlight(_pool: string, backendId: string): { here: number; cluster: number } {
    const count = this.#count(backendId);
    return { here: count, cluster: count };
  }

  waiting(pool: string): { here: number; cluster: number } {
    const count = this.#waiters.get(pool)?.size ?? 0;
    return { here: count, cluster: count };
  }

  status(): LedgerStatus {
    return { kind: 'memory', counts: 'own', replicas: 1 };
  }

  /** Leases that are still held give back their slots as ever. */
  async close(): Promise<void> {
    clearInterval(this.#lookAgain);
    for (const waiters of this.#waiters.values())
      for (const waiter of waiters) waiter.finish('ended');
  }

  /** Never a slot that somebody who waits could take. */
  #take(pool: string, shortlist: Shortlist): Lease | undefined {
    let chosen = this.#choose(shortlist);
    if (chosen && this.#waiters.has(pool)) {
      this.#serve(pool);
      chosen = this.#choose(shortlist);
    }
    return chosen && this.#lease(pool, chosen.id);
  }

  #choose(shortlist: Shortlist): Candidate | undefined {
    return chooseSlot(shortlist, (id) => this.#count(id), this.random);
  }

  #lease(pool: string, backendId: string): Lease {
    this.#counts.set(backendId, this.#count(backendId) + 1);
    let held = true;
    return {
      backendId,
      release: () => {
        if (!held) return;
        held = false;
        const left = this.#count(backendId) - 1;
        if (left === 0) this.#counts.delete(backendId);
        else this.#counts.set(backendId, left);
        this.#serve(pool, 1);
      },
    };
  }

  #serve(pool: string, most?: number): void {
    const take = ({ waiting }: Waiter) => {
      const chosen = this.#choose(waiting.shortlist());
      return chosen && this.#lease(pool, chosen.id);
    };
    serve(this.#waiters.get(pool) ?? [], take, most);
  }

  #serveAll(): void {
    for (const pool of this.#waiters.keys()) this.#serve(pool);
    if (this.#waiters.size > 0) return;
    clearInterval(this.#lookAgain);
    this.#lookAgain = undefined;
  }

  #count(id: string): number {
    return this.#counts.get(id) ?? 0;
  }
}
