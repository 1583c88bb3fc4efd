import type { HttpError } from '@switchyard/service-kit';
import type { Backend } from '../backends/backend.js';
import type { BackendRegistry } from '../backends/backend-registry.js';
import type { Demands, Pool } from '../backends/pool.js';
import { chooseSlot } from '../connections/choose-slot.js';
import type { ConnectionLedger, Lease } from '../connections/connection-ledger.js';
import { noBackendAvailable, queueFull } from '../errors.js';
import type { Decision } from '../routing/decision.js';
import { type Candidates, IN_ORDER, SearchStages } from './search-stages.js';
import { waitForSlot } from './slot-wait.js';

export interface Found {
  pool: Pool;
  backend: Backend;
  lease: Lease;
}

export interface SearchOptions {
  registry: BackendRegistry;
  ledger: ConnectionLedger;
  decision: Decision;
  demands: Demands;
  /** Requests of one key should meet the same backend. */
  key: string;
  /** Aborts when the client is gone: then nobody waits for a slot. */
  gone: AbortSignal;
  random?: () => number;
}

/**
 * The backends that a request may try, one after the other and none twice: those of the pool that
 * was chosen, then of the pools it falls back to; when none of them is well, those that asked to be
 * left alone, ejected and silent ones too, since trying beats refusing. When those that are well are
 * all full, it waits for one of them.
 */
export class BackendSearch {
  /** Milliseconds spent waiting for a slot. */
  queuedMs = 0;
  readonly #options: SearchOptions;
  readonly #meant: Pool;
  /** Those that may be asked a second time when nobody else is left. */
  readonly #again = new Map<Backend, Pool>();
  readonly #secondChances = new Set<Backend>();
  readonly #leases: Lease[] = [];
  readonly #stages: SearchStages;
  #refused: 'full' | 'late' | undefined;
  #moves: boolean | undefined;

  constructor(options: SearchOptions) {
    const { registry, decision, demands } = options;
    this.#options = options;
    this.#meant = registry.pool(decision.pool);
    this.#stages = new SearchStages(registry, decision, demands);
  }

  /** Takes a slot on the next backend, waiting for one if need be; undefined when there is none left. */
  async next(): Promise<Found | undefined> {
    for (const state of IN_ORDER) {
      const stages = this.#stages.groups([state]);
      const found = stages.length > 0 && (await this.#takeOrWait(stages));
      if (found) return found;
      if (this.#options.gone.aborted) return undefined;
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
    for (const stage of this.#stages.groups(['healthy']))
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
    return this.#again.size > 0 || this.#stages.groups().length > 0;
  }

  /** Of stages whose backends are equally well: one with room, else the first that has room in time. */
  async #takeOrWait(stages: readonly Candidates[]): Promise<Found | undefined> {
    const own = stages.filter(({ isFallback }) => !isFallback);
    const others = stages.filter(({ isFallback }) => isFallback);
    const found = await this.#takeFirst(own);
    if (found) return found;
    this.#moves ??= own.length > 0 && others.length > 0 && this.#meant.queue.spillsNext();
    const mayMove = own.length === 0 || this.#moves;
    return (
      (mayMove && (await this.#takeFirst(others))) ||
      (await this.#wait(mayMove ? stages : own)) ||
      // Better elsewhere than not at all.
      (mayMove ? undefined : this.#takeFirst(others))
    );
  }

  async #takeFirst(stages: readonly Candidates[]): Promise<Found | undefined> {
    for (const stage of stages) {
      const found = await this.#take(stage);
      if (found) return found;
    }
    return undefined;
  }

  async #take({ pool, candidates }: Pick<Candidates, 'pool' | 'candidates'>) {
    const lease = await this.#options.ledger.acquire(pool.name, this.#shortlist(pool, candidates));
    return lease && this.#found(pool, lease);
  }

  /** All waits of a request together last no longer than its pool lets it wait. */
  async #wait(stages: readonly Candidates[]): Promise<Found | undefined> {
    const { ledger, gone } = this.#options;
    const leftMs = this.#meant.spec.queue.timeoutMs - this.queuedMs;
    if (gone.aborted || this.#refused || leftMs <= 0) return undefined;
    // Those tried so far have failed; two requests that keep their slots could wait for each other's.
    this.release();
    const names = new Set(stages.map(({ pool }) => pool));
    const places = [...names].map((pool) => ({
      pool: pool.name,
      limit: pool.spec.queue.size,
      shortlist: () => this.#shortlist(pool, this.#stages.best(pool, names), true),
    }));
    const started = performance.now();
    const late = new AbortController();
    const limit = setTimeout(() => late.abort(), leftMs);
    const end = await waitForSlot(ledger, places, AbortSignal.any([gone, late.signal]));
    clearTimeout(limit);
    this.queuedMs += performance.now() - started;
    if (typeof end === 'object')
      return this.#found(this.#options.registry.pool(end.pool), end.lease);
    if (!gone.aborted) this.#refused = end === 'full' ? 'full' : 'late';
    return undefined;
  }

  #found(pool: Pool, lease: Lease): Found | undefined {
    this.#leases.push(lease);
    const backend = pool.backends.find(({ id }) => id === lease.backendId);
    if (!backend) return undefined;
    this.#stages.tried(backend);
    pool.queue.gotSlot();
    return { pool, backend, lease };
  }

  #shortlist(pool: Pool, candidates: readonly Backend[], peek = false) {
    const { ledger, key } = this.#options;
    const inFlight = (id: string) => ledger.inFlight(pool.name, id).cluster;
    return pool.shortlist(candidates, { peek, key, inFlight });
  }

  /** Gives back every slot that is still held, however the request ended. */
  release(): void {
    for (const lease of this.#leases) lease.release();
  }

  /** Whether any pool can take what the request demands; otherwise trying again will not help. */
  get canServe(): boolean {
    return this.#stages.canServe;
  }

  /** What `next` would find, without taking anything. */
  preview(): { pool: Pool; backend: Backend } | undefined {
    const { ledger, random = Math.random } = this.#options;
    for (const { pool, candidates } of this.#stages.groups()) {
      const inFlight = (id: string) => ledger.inFlight(pool.name, id).cluster;
      const shortlist = this.#shortlist(pool, candidates, true);
      const chosen = chooseSlot(shortlist, inFlight, random);
      const backend = candidates.find(({ id }) => id === chosen?.id);
      if (backend) return { pool, backend };
    }
    return undefined;
  }

  /** Why nothing was found, for the client. */
  refusal(): HttpError {
    const { ledger } = this.#options;
    const { name, queue, spec } = this.#meant;
    const waiting = ledger.waiting(name).cluster;
    const seconds = queue.retryAfterSeconds({ waiting, replicas: ledger.status(name).replicas });
    if (this.#refused) queue.refused[this.#refused]++;
    if (this.#refused === 'full') return queueFull(name, spec.queue.size, seconds);
    if (this.#refused === 'late') {
      const waited = (this.queuedMs / 1000).toFixed(1);
      return noBackendAvailable(name, `all backends were busy for ${waited} s`, seconds);
    }
    const why = this.#stages.servesModel
      ? 'no backend is up'
      : 'no active backend serves the model';
    return noBackendAvailable(name, why);
  }
}
