export interface EjectionSettings {
  /** Failures in a row that take a backend out. */
  failures: number;
  baseMs: number;
  maxMs: number;
}

/** Probes in a row without an answer that make a backend count as silent. */
const SILENT_AFTER_PROBES = 2;

/**
 * `dead`: nothing can be reached there. `silent`: it does not answer its probes, and may be only
 * too busy to. `ejected`: its requests failed.
 */
export type HealthState = 'healthy' | 'ejected' | 'silent' | 'dead';

/**
 * Whether a backend can be used, from two sources. Requests: a refused connection means dead;
 * other failures in a row eject for baseMs * 2^n, growing each time until it has stayed well for as
 * long as it was out; a success ends silence. Probes: a lost one means dead or silent, an answered
 * one the end of both; they do not shorten an ejection, since many a server that fails still answers
 * them.
 */
export class BackendHealth {
  #reachable = true;
  #failuresInRow = 0;
  #lostProbes = 0;
  #ejections = 0;
  #ejectedUntil = 0;
  #lastEjectionMs = 0;

  constructor(
    private readonly settings: EjectionSettings,
    /** Milliseconds from anywhere; monotonic, since the time of day may jump. */
    private readonly now: () => number = () => performance.now(),
  ) {}

  get state(): HealthState {
    if (!this.#reachable) return 'dead';
    if (this.#lostProbes >= SILENT_AFTER_PROBES) return 'silent';
    return this.now() < this.#ejectedUntil ? 'ejected' : 'healthy';
  }

  get usable(): boolean {
    return this.state === 'healthy';
  }

  /** Milliseconds until an ejection ends. */
  get ejectedForMs(): number {
    return Math.max(0, this.#ejectedUntil - this.now());
  }

  succeeded(): void {
    this.#failuresInRow = 0;
    this.#lostProbes = 0;
    if (this.now() > this.#ejectedUntil + this.#lastEjectionMs) this.#ejections = 0;
  }

  /** The backend could not be reached at all. */
  unreachable(): void {
    this.#reachable = false;
  }

  /** An error status, a broken or timed out answer. Returns true when this ejected the backend. */
  failed(): boolean {
    this.#failuresInRow++;
    if (this.#failuresInRow < this.settings.failures || this.state !== 'healthy') return false;
    const { baseMs, maxMs } = this.settings;
    this.#lastEjectionMs = Math.min(maxMs, baseMs * 2 ** this.#ejections);
    this.#ejectedUntil = this.now() + this.#lastEjectionMs;
    this.#ejections++;
    this.#failuresInRow = 0;
    return true;
  }

  probeAnswered(): void {
    this.#reachable = true;
    this.#lostProbes = 0;
  }

  probeLost(refused: boolean): void {
    this.#lostProbes++;
    if (refused) this.#reachable = false;
  }
}
