import type { Backend } from '../backends/backend.js';
import type { HealthState } from '../backends/backend-health.js';
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

interface Candidates {
  pool: Pool;
  candidates: readonly Backend[];
}

/** Whom to ask first; a dead one is not asked at all. */
const IN_ORDER: readonly HealthState[] = ['healthy', 'deferred', 'ejected', 'silent'];

/**
 * The backends that a request may try, one after the other and none twice: those of the pool that
 * was chosen, then of the pools it falls back to; when none of them is well, those that asked to be
 * left alone, ejected and silent ones too, since trying beats refusing.
 */
export class BackendSearch {
  readonly #tried = new Set<Backend>();
  /** Those that may be asked a second time when nobody else is left. */
  readonly #again = new Map<Backend, Pool>();
  readonly #secondChances = new Set<Backend>();
  readonly #leases: Lease[] = [];
  readonly #route: readonly Stage[];

  constructor(
    registry: BackendRegistry,
    private readonly ledger: ConnectionLedger,
    decision: Decision,
    demands: Demands,
    /** Requests of one key should meet the same backend. */
    private readonly key: string,
    private readonly random: () => number = Math.random,
  ) {
    this.#route = routeOf(registry, decision, demands);
  }

  /** Takes a slot on the next backend; undefined when there is none left. */
  async next(): Promise<Found | undefined> {
    for (const stage of this.#stages()) {
      const found = await this.#take(stage);
      if (found) return found;
    }
    for (const [backend, pool] of this.#again) {
      const found = await this.#take({ pool, candidates: [backend] });
      this.#again.delete(backend);
      if (found) return found;
    }
    return undefined;
  }

  /** Takes a slot on a second backend of the same pool, if one that is well has one free now. */
  async second(first: Found): Promise<Found | undefined> {
    for (const stage of this.#stages(['healthy']))
      if (stage.pool === first.pool) return this.#take(stage);
    return undefined;
  }

  /** The request was not seen by this backend: it may be asked once more when nobody else is left. */
  allowAgain({ pool, backend }: Found): void {
    if (this.#secondChances.has(backend)) return;
    this.#secondChances.add(backend);
    this.#again.set(backend, pool);
  }

  /** Whether there is any backend that has not been tried. */
  get hasMore(): boolean {
    return this.#again.size > 0 || !this.#stages()[Symbol.iterator]().next().done;
  }

  async #take({ pool, candidates }: Candidates): Promise<Found | undefined> {
    const lease = await this.ledger.acquire(pool.name, this.#shortlist(pool, candidates));
    if (lease) this.#leases.push(lease);
    const backend = candidates.find(({ id }) => id === lease?.backendId);
    if (!lease || !backend) return undefined;
    this.#tried.add(backend);
    return { pool, backend, lease };
  }

  #shortlist(pool: Pool, candidates: readonly Backend[], peek = false) {
    const inFlight = (id: string) => this.ledger.inFlight(pool.name, id).here;
    return pool.shortlist(candidates, { peek, key: this.key, inFlight });
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
      const shortlist = this.#shortlist(pool, candidates, true);
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
  *#stages(states: readonly HealthState[] = IN_ORDER): Iterable<Candidates> {
    for (const wanted of states)
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
