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
import { Pool } from 'undici';

/** Failures in a row that open the breaker. */
const FAILURES = 3;
/** It stays open for half to all of this before one request tries again; doubles while that fails. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5000;
const CONNECTIONS = 64;

/** Why there is no classification; the message completes "classifier ...". */
export class ClassifierUnavailable extends Error {}

/** Asks the classifier over HTTP; a breaker keeps a dead one from costing every request a time-out. */
export class ClassifierClient {
  readonly #connections: Pool;
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
  ) {
    const { origin, pathname } = new URL(`${url}/v1/classify`);
    this.#connections = new Pool(origin, { connections: CONNECTIONS });
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
    const timeout = AbortSignal.timeout(withinMs);
    try {
      return await this.#breaker.execute(() => this.#ask(text, timeout));
    } catch (error) {
      if (error instanceof ClassifierUnavailable) throw error;
      const why = timeout.aborted
        ? `did not answer within ${withinMs} ms`
        : isBrokenCircuitError(error)
          ? 'is down (breaker open)'
          : 'cannot be reached';
      throw new ClassifierUnavailable(why, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#connections.destroy();
  }

  async #ask(text: string, signal: AbortSignal): Promise<Classification> {
    const { statusCode, body } = await this.#connections.request({
      path: this.#path,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text }),
      signal,
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
