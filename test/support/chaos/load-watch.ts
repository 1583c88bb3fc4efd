import type { Fleet } from '../fleet.js';

/** While a backend had more requests at a time than it may. */
export interface Excess {
  backend: string;
  phase: string;
  /** Milliseconds since 1970. */
  from: number;
  until: number;
  /** The most it had, and those among them whose clients leave. */
  load: number;
  left: number;
  limit: number;
}

const SAMPLE_MS = 4;
/** A backend hears of a client that left after a few turns of its event loop, not after so long. */
const NOTICED_MS = 250;

/** On a request whose client will leave, so that the backends can tell. */
export const LEAVING = 'x-leaving';

/**
 * Compares what the backends have in flight with what they may have. One whose client has left may meet
 * the next request at the backend, which hears of both at nearly the same time.
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
    return this.#seen.filter(
      ({ load, left, limit, from, until }) => load - left > limit || until - from > NOTICED_MS,
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    for (const [backend, limit] of this.capacities) {
      const simulated = this.fleet.backend(backend);
      const { inFlight, queued, hanging } = simulated.stats();
      const load = inFlight + queued + hanging;
      const last = this.#now.get(backend);
      if (load <= limit) {
        this.#now.delete(backend);
        continue;
      }
      const left = simulated
        .requests()
        .filter(({ outcome, headers }) => outcome === 'pending' && headers[LEAVING]).length;
      const at = Date.now();
      const excess = { backend, phase: this.phase(), from: at, until: at, load, left, limit };
      if (last?.phase !== excess.phase) {
        this.#now.set(backend, excess);
        this.#seen.push(excess);
      } else {
        last.until = at;
        if (load - left > last.load - last.left) Object.assign(last, { load, left });
      }
    }
  }
}
