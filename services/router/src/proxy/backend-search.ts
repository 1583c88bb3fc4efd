import type { Backend } from '../backends/backend.js';
import type { BackendRegistry } from '../backends/backend-registry.js';
import type { Demands, Pool } from '../backends/pool.js';
import { chooseSlot } from '../connections/choose-slot.js';
import type { ConnectionLedger, Lease } from '../connections/connection-ledger.js';
import type { Decision } from '../routing/decision.js';

export interface Found {
  pool: Pool;
  backend: Backend;
  lease: Lease;
}

interface Stage {
  pool: Pool;
  backends: readonly Backend[];
}

/**
 * The backends that a request may try, one after the other and none twice: those of the pool that
 * was chosen, then of the pools it falls back to; when none of them is well, ejected and silent ones
 * too, since trying beats refusing.
 */
export class BackendSearch {
  readonly #tried = new Set<Backend>();
  readonly #leases: Lease[] = [];
  readonly #route: readonly Stage[];

  constructor(
    registry: BackendRegistry,
    private readonly ledger: ConnectionLedger,
    decision: Decision,
    demands: Demands,
    private readonly random: () => number = Math.random,
  ) {
    this.#route = routeOf(registry, decision, demands);
  }

  /** Takes a slot on the next backend; undefined when there is none left. */
  async next(): Promise<Found | undefined> {
    for (const { pool, candidates } of this.#stages()) {
      const lease = await this.ledger.acquire(pool.name, pool.shortlist(candidates));
      if (lease) this.#leases.push(lease);
      const backend = candidates.find(({ id }) => id === lease?.backendId);
      if (!lease || !backend) continue;
      this.#tried.add(backend);
      return { pool, backend, lease };
    }
    return undefined;
  }

  /** Gives back every slot that is still held, however the request ended. */
  release(): void {
    for (const lease of this.#leases) lease.release();
  }

  /** Whether any pool can take what the request demands; otherwise trying again will not help. */
  get canServe(): boolean {
    return this.#route.length > 0;
  }

  /** What `next` would find, without taking anything. */
  preview(): { pool: Pool; backend: Backend } | undefined {
    for (const { pool, candidates } of this.#stages()) {
      const inFlight = (id: string) => this.ledger.inFlight(pool.name, id).cluster;
      const shortlist = pool.shortlist(candidates, { peek: true });
      const chosen = chooseSlot(shortlist, inFlight, this.random);
      const backend = candidates.find(({ id }) => id === chosen?.id);
      if (backend) return { pool, backend };
    }
    return undefined;
  }

  /** Why nothing was found. */
  explain(): string {
    const serving = this.#route.flatMap(({ backends }) => backends);
    if (serving.length === 0) return 'no active backend serves the model';
    return serving.some(({ health }) => health.usable)
      ? 'all backends are busy'
      : 'no backend is up';
  }

  /** Groups of candidates in the order they are asked. */
  *#stages(): Iterable<{ pool: Pool; candidates: Backend[] }> {
    for (const wanted of ['healthy', 'ejected', 'silent'] as const)
      for (const { pool, backends } of this.#route) {
        const candidates = backends.filter(
          (backend) => backend.health.state === wanted && !this.#tried.has(backend),
        );
        if (candidates.length > 0) yield { pool, candidates };
      }
  }
}

/**
 * The pools that serve what was asked for, then those their operator lets them spill into, where
 * any model will do.
 */
function routeOf(registry: BackendRegistry, decision: Decision, demands: Demands): Stage[] {
  const meant = new Set([decision.pool, ...(decision.otherPools ?? [])]);
  const spills = new Set([...meant].flatMap((name) => [...registry.fallbacksOf(name)]));
  const stage = (model?: string) => (name: string) => {
    const pool = registry.pool(name);
    return { pool, backends: pool.serving(model) };
  };
  return [
    ...[...meant].map(stage(decision.model)),
    ...[...spills].filter((name) => !meant.has(name)).map(stage()),
  ].filter(({ pool }) => pool.canTake(demands));
}
