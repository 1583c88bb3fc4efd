import {
  type EjectionConditions,
  type EjectionReason,
  type EjectionSettings,
  OutlierEjection,
} from './outlier-ejection.js';

export interface HealthSettings {
  ejection: EjectionSettings;
  /** How long a backend that came back takes to its full weight; 0: it has it at once. */
  slowStart: { ms: number };
  /** The longest `Retry-After` that is honoured; 0: none is. */
  retryAfter: { maxMs: number };
}

/** Probes in a row without an answer that make a backend count as silent. */
const SILENT_AFTER_PROBES = 2;

/** Slow start begins with this share of the weight: none at all would never show that it is well. */
const FIRST_SHARE = 0.1;

/**
 * `dead`: nothing can be reached there. `silent`: it does not answer its probes, and may be only
 * too busy to. `ejected`: its requests failed. `deferred`: it asked to be left alone for a while.
 */
export type HealthState = 'healthy' | 'deferred' | 'ejected' | 'silent' | 'dead';

/**
 * Whether a backend can be used, from two sources. Requests: a refused connection means dead;
 * other failures eject (outlier-ejection.ts); a success ends silence. Probes: a lost one means dead
 * or silent, an answered one the end of both; they do not shorten an ejection, since many a server
 * that fails still answers them.
 */
export class BackendHealth {
  /** Whether its pool can spare one more backend for its error rate. */
  sparable: () => boolean = () => true;
  readonly #ejection: OutlierEjection;
  readonly #now: () => number;
  #reachable = true;
  #lostProbes = 0;
  #deferredUntil = 0;
  /** When it was last found to answer again. */
  #answersSince = Number.NEGATIVE_INFINITY;

  constructor(
    private settings: HealthSettings,
    { now = () => performance.now() }: Partial<Pick<EjectionConditions, 'now'>> = {},
  ) {
    this.#now = now;
    this.#ejection = new OutlierEjection(settings.ejection, {
      now,
      sparable: () => this.sparable(),
    });
  }

  reconfigure(settings: HealthSettings): void {
    this.settings = settings;
    this.#ejection.reconfigure(settings.ejection);
  }

  get state(): HealthState {
    if (!this.#reachable) return 'dead';
    if (this.#lostProbes >= SILENT_AFTER_PROBES) return 'silent';
    if (this.#ejection.leftMs > 0) return 'ejected';
    return this.deferredForMs > 0 ? 'deferred' : 'healthy';
  }

  get usable(): boolean {
    return this.state === 'healthy';
  }

  /** Milliseconds until an ejection ends. */
  get ejectedForMs(): number {
    return this.#ejection.leftMs;
  }

  /** Milliseconds for which it asked to be left alone. */
  get deferredForMs(): number {
    return this.#deferredUntil === 0 ? 0 : Math.max(0, this.#deferredUntil - this.#now());
  }

  get ejections(): Readonly<Record<EjectionReason, number>> {
    return this.#ejection.counts;
  }

  get recent(): { requests: number; failures: number } {
    return this.#ejection.recent;
  }

  /**
   * Share of its weight that it has now: 1, and after it came back from the dead, from silence or
   * from an ejection rising in a line from a tenth to 1, in tenths, so that weights stay the same
   * for a while.
   */
  get weightShare(): number {
    const { ms } = this.settings.slowStart;
    const backSince = Math.max(this.#answersSince, this.#ejection.until);
    if (ms === 0 || backSince === Number.NEGATIVE_INFINITY) return 1;
    const tenths = Math.floor((10 * (this.#now() - backSince)) / ms) / 10;
    return Math.min(1, Math.max(FIRST_SHARE, tenths));
  }

  /** A request came to something, good or bad. */
  asked(): void {
    this.#ejection.asked();
  }

  succeeded(): void {
    if (this.state === 'silent') this.#answersSince = this.#now();
    this.#lostProbes = 0;
    this.#ejection.succeeded();
  }

  /** The backend could not be reached at all. */
  unreachable(): void {
    this.#reachable = false;
  }

  /** An error status, a broken or timed out answer. Returns the reason when this ejected it. */
  failed(): EjectionReason | undefined {
    return this.#ejection.failed(this.state === 'healthy' || this.state === 'deferred');
  }

  /** It asked to be left alone for so long. */
  defer(ms: number): void {
    const until = this.#now() + Math.min(ms, this.settings.retryAfter.maxMs);
    this.#deferredUntil = Math.max(this.#deferredUntil, until);
  }

  probeAnswered(): void {
    if (this.state === 'dead' || this.state === 'silent') this.#answersSince = this.#now();
    this.#reachable = true;
    this.#lostProbes = 0;
  }

  probeLost(refused: boolean): void {
    this.#lostProbes++;
    if (refused) this.#reachable = false;
  }
}
