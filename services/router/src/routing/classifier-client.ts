import { Classification } from '@switchyard/contracts';
import {
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  halfJitterGenerator,
  handleAll,
  isBrokenCircuitError,
} from 'cockatiel';
import { ClassifierReplicas, type Lookup, type Replica } from './classifier-replicas.js';

/** Failures in a row that open the breaker. */
const FAILURES = 3;
/** It stays open for half to all of this before one request tries again; doubles while that fails. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;

/** Why there is no classification; the message completes "classifier ...". */
export class ClassifierUnavailable extends Error {}

/**
 * Asks the classifier over HTTP, one replica after the other until one answers; a breaker keeps dead
 * ones from costing every request a time-out.
 */
export class ClassifierClient {
  readonly #replicas: ClassifierReplicas;
  readonly #path: string;
  readonly #breaker = circuitBreaker(handleAll, {
    breaker: new ConsecutiveBreaker(FAILURES),
    halfOpenAfter: new ExponentialBackoff({
      // The library's own default may pause for next to nothing at first.
      generator: halfJitterGenerator,
      initialDelay: FIRST_PAUSE_MS,
      maxDelay: LONGEST_PAUSE_MS,
    }),
  });

  constructor(
    url: string,
    private readonly timeoutMs: number,
    lookup?: Lookup,
  ) {
    const { origin, pathname } = new URL(`${url}/v1/classify`);
    this.#replicas = new ClassifierReplicas(origin, lookup);
    this.#path = pathname;
  }

  get breaker(): 'closed' | 'open' | 'half-open' {
    if (this.#breaker.state === CircuitState.Closed) return 'closed';
    return this.#breaker.state === CircuitState.HalfOpen ? 'half-open' : 'open';
  }

  /** Rejects with ClassifierUnavailable within `withinMs`, or at once while the breaker is open. */
  async classify(text: string, withinMs = this.timeoutMs): Promise<Classification> {
    // In half-open state one request is out to try; the others would wait for it.
    if (this.#breaker.state === CircuitState.HalfOpen)
      throw new ClassifierUnavailable('is being tried again');
    const deadline = performance.now() + withinMs;
    try {
      return await this.#breaker.execute(() => this.#askInTurn(text, deadline));
    } catch (error) {
      if (error instanceof ClassifierUnavailable) throw error;
      const isLate = error instanceof Error && error.name === 'TimeoutError';
      const why = isLate
        ? `did not answer within ${withinMs} ms`
        : isBrokenCircuitError(error)
          ? 'is down (breaker open)'
          : 'cannot be reached';
      throw new ClassifierUnavailable(why, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#replicas.close();
  }

  /** Each replica may take its share of what time is left, the last one all of it. */
  async #askInTurn(text: string, deadline: number): Promise<Classification> {
    const replicas = await within(this.#replicas.inTurn(), deadline - performance.now());
    let failure: unknown = new ClassifierUnavailable('has no address');
    for (const [asked, replica] of replicas.entries()) {
      const left = deadline - performance.now();
      if (asked > 0 && left < 1) break;
      try {
        return await this.#ask(replica, text, left / (replicas.length - asked));
      } catch (error) {
        replica.failed();
        failure = error;
      }
    }
    throw failure;
  }

  async #ask(replica: Replica, text: string, withinMs: number): Promise<Classification> {
    const { statusCode, body } = await replica.request({
      path: this.#path,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      signal: AbortSignal.timeout(Math.max(0, Math.ceil(withinMs))),
    });
    if (statusCode !== 200) {
      await body.dump({ limit: 64 * 1024 });
      throw new ClassifierUnavailable(`answered with status ${statusCode}`);
    }
    const answer = await body.text();
    try {
      return Classification.parse(JSON.parse(answer));
    } catch (cause) {
      throw new ClassifierUnavailable('gave no valid answer', { cause });
    }
  }
}

/** Rejects with a TimeoutError when the promise takes longer. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  const signal = AbortSignal.timeout(Math.max(0, Math.ceil(ms)));
  const late = new Promise<never>((_, reject) => {
    signal.onabort = () => reject(signal.reason);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    signal.onabort = null;
  }
}
