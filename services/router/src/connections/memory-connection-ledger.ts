import type { Shortlist } from '../balancing/policy.js';
import { chooseSlot } from './choose-slot.js';
import type { ConnectionLedger, Lease } from './connection-ledger.js';

/** Counts of this process alone; nothing can come between the choice and the taking. */
export class MemoryConnectionLedger implements ConnectionLedger {
  readonly #counts = new Map<string, number>();

  constructor(private readonly random: () => number = Math.random) {}

  async acquire(_pool: string, shortlist: Shortlist): Promise<Lease | undefined> {
    const chosen = chooseSlot(shortlist, (id) => this.#count(id), this.random);
    if (!chosen) return undefined;
    const backendId = chosen.id;
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
      },
    };
  }

  inFlight(_pool: string, backendId: string): { here: number; cluster: number } {
    const count = this.#count(backendId);
    return { here: count, cluster: count };
  }

  /** Leases that are still held give back their slots as ever. */
  async close(): Promise<void> {}

  #count(id: string): number {
    return this.#counts.get(id) ?? 0;
  }
}
