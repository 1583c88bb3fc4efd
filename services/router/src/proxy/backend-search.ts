import type { HttpError } from '@switchyard/service-kit';
import type { Backend } from '../backends/backend.js';
import type { BackendRegistry } from '../backends/backend-registry.js';
import type { Demands } from '../backends/pool.js';
import { chooseSlot } from '../connections/choose-slot.js';
import type { ConnectionLedger, Lease } from '../connections/connection-ledger.js';
import { noBackendAvailable, queueFull } from '../errors.js';
import type { Decision } from '../routing/decision.js';
import type { AffinityKeys } from './affinity-key.js';
import { type Abortable, signalOf } from './client-presence.js';
import { type Found, type Offer, Offers } from './offers.js';
import { type Candidates, IN_ORDER, SearchStages } from './search-stages.js';
import { waitForSlot } from './slot-wait.js';

export interface SearchOptions {
  registry: BackendRegistry;
  /** The one that is in force by now. */
  newest?: () => BackendRegistry;
  ledger: ConnectionLedger;
  decision: Decision;
  demands: Demands;
  keys: Pick<AffinityKeys, 'of'>;
  /** Aborts when the client is gone: then nobody waits for a slot. */
  gone: Abortable;
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
  /** Those that may be asked a second time when nobody else is left. */
  readonly #again = new Map<Backend, Candidates>();
  readonly #secondChances = new Set<Backend>();
  readonly #leases: Lease[] = [];
  readonly #stages: SearchStages;
  #refused: 'full' | 'late' | undefined;
  #moves: boolean | undefined;
  readonly #offers: Offers;

  constructor(options: SearchOptions) {
    this.#options = options;
    this.#offers = new Offers(options);
    const { registry, decision, demands, keys, newest = () => registry } = options;
    this.#stages = new SearchStages({ registry, newest, decision, demands, keys });
  }

  /** Takes a slot on the next backend, waiting for one if need be; undefined when there is none left. */
  async next(): Promise<Found | undefined> {
    for (const state of IN_ORDER) {
      const stages = this.#stages.groups([state]);
      const found = stages.length > 0 && (await this.#takeOrWait(stages));
      if (found) return found;
      if (this.#options.gone.aborted) return undefined;
    }
    for (const [backend, alone] of this.#again) {
      const found = await this.#take(alone);
      this.#again.delete(backend);
      if (found) return found;
    }
    return undefined;
  }

  /** Takes a slot on a second backend of the same pool, if one that is well has one free now. */
  async second(first: Found): Promise<Found | undefined> {
    for (const stage of this.#stages.groups(['healthy']))
      if (stage.pool.name === first.pool.name && stage.variant?.name === first.variant?.name)
        return this.#take(stage);
    return undefined;
  }

  /** The request was not seen by this backend: it may be asked once more when nobody else is left. */
  allowAgain({ pool, variant, backend }: Found): void {
    if (this.#secondChances.has(backend)) return;
    this.#secondChances.add(backend);
    this.#again.set(backend, { pool, variant, candidates: [backend], isFallback: false });
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
    const { queue } = this.#stages.meant;
    this.#moves ??= own.length > 0 && others.length > 0 && queue.spillsNext();
    const mayMove = own.length === 0 || this.#moves;
    return (
      (mayMove && (await this.#takeFirst(others))) ||
      (await this.#wait(mayMove ? stages : own, mayMove)) ||
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

  async #take(stage: Candidates): Promise<Found | undefined> {
    const { pool } = stage;
    const lease = await this.#options.ledger.acquire(
      pool.name,
      this.#offers.shortlist(pool, [stage]),
    );
    return lease && this.#found(lease);
  }

  /** All waits of a request together last no longer than its pool lets it wait. */
  async #wait(stages: readonly Candidates[], fallbacks: boolean): Promise<Found | undefined> {
    const { ledger, gone } = this.#options;
    const leftMs = this.#stages.meant.spec.queue.timeoutMs - this.queuedMs;
    if (gone.aborted || this.#refused || leftMs <= 0) return undefined;
    // Those tried so far have failed; two requests that keep their slots could wait for each other's.
    this.release();
    const places = [...new Set(stages.map(({ pool }) => pool))].map((pool) => ({
      pool: pool.name,
      limit: pool.spec.queue.size,
      shortlist: () =>
        this.#offers.shortlist(pool, this.#stages.best(pool.name, { fallbacks }), true),
    }));
    const started = performance.now();
    const late = new AbortController();
    const limit = setTimeout(() => late.abort(), leftMs);
    const end = await waitForSlot(ledger, places, AbortSignal.any([signalOf(gone), late.signal]));
    clearTimeout(limit);
    this.queuedMs += performance.now() - started;
    if (typeof end === 'object') return this.#found(end.lease);
    if (!gone.aborted) this.#refused = end === 'full' ? 'full' : 'late';
    return undefined;
  }

  #found(lease: Lease): Found | undefined {
    this.#leases.push(lease);
    const found = this.#offers.taken(lease);
    if (!found) return undefined;
    if (this.#leases.length === 1) this.#offers.noteAffinity(found);
    this.#stages.tried(found.backend);
    found.pool.queue.gotSlot();
    return found;
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
  preview(): Offer | undefined {
    const { ledger, random = Math.random } = this.#options;
    for (const stage of this.#stages.groups()) {
      const inFlight = (id: string) => ledger.inFlight(stage.pool.name, id).cluster;
      const shortlist = this.#offers.shortlist(stage.pool, [stage], true);
      const chosen = chooseSlot(shortlist, inFlight, random);
      if (chosen) return this.#offers.of(chosen.id);
    }
    return undefined;
  }

  /** Why nothing was found, for the client. */
  refusal(): HttpError {
    const { ledger } = this.#options;
    const { name, queue, spec } = this.#stages.meant;
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
