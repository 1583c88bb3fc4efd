import type { Fleet } from '../fleet.js';

/** While a backend had more requests at a time than it may. */
export interface Excess {
  backend: string;
  phase: string;
  /** Milliseconds since 1970. */
  from: number;
  until: number;
  /** The most it had. */
  load: number;
  limit: number;
}

const SAMPLE_MS = 4;

/**
 * Compares what the backends have in flight with what they may have. Every answer takes several samples;
 * what is over by the next one was no request too many but one whose client had left, of which the
 * backend heard in the same turn of its event loop in which the next request came.
 */
export class LoadWatch {
  readonly #seen: Excess[] = [];
  readonly #now = new Map<string, Excess>();
  readonly #timer: NodeJS.Timeout;

  constructor(
    private readonly fleet: Fleet,
    private readonly capacities: ReadonlyMap<string, number>,
    private readonly phase: () => string,
  ) {
    this.#timer = setInterval(() => this.#sample(), SAMPLE_MS);
  }

  get excesses(): readonly Excess[] {
    return this.#seen.filter(({ from, until }) => until > from);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    for (const [backend, limit] of this.capacities) {
      const load = this.#loadOf(backend);
      const last = this.#now.get(backend);
      if (load <= limit) this.#now.delete(backend);
      else if (last?.phase === this.phase()) {
        last.load = Math.max(last.load, load);
        last.until = Date.now();
      } else {
        const at = Date.now();
        const excess = { backend, phase: this.phase(), from: at, until: at, load, limit };
        this.#now.set(backend, excess);
        this.#seen.push(excess);
      }
    }
  }

  /** Between two samples, the peak that the backend itself has noted since the last one. */
  #loadOf(backend: string): number {
    const simulated = this.fleet.backend(backend);
    const { inFlight, maxInFlight, queued, hanging } = simulated.stats();
    simulated.clear();
    return Math.max(maxInFlight, inFlight + queued + hanging);
  }
}
