import type { Logger } from '@switchyard/service-kit';
import type { Backend } from '../backends/backend.js';
import type { Pool } from '../backends/pool.js';
import {
  type BackendFailure,
  type BackendResponse,
  isBroken,
  isResponse,
  isRetryable,
  type Outcome,
} from './backend-response.js';
import type { RelayEnd } from './relay.js';
import { retryAfterMs } from './retry-after.js';

/** Tells a backend's health and its estimates how a request of it went, and the log why it failed. */
export class FailureLog {
  constructor(
    private readonly logger: Logger,
    private readonly requestId: string,
    private readonly onOutcome: (outcome: Outcome) => void = () => undefined,
  ) {}

  note(pool: Pool, outcome: Outcome): void {
    outcome.backend.requests++;
    this.onOutcome(outcome);
    if (isResponse(outcome)) this.#noteAnswer(pool, outcome);
    else this.#noteFailure(pool, outcome);
  }

  /** An answer is a success when it did not break off; only then do the failures before it end. */
  noteEnd(answer: BackendResponse, { outcome, error }: RelayEnd): void {
    const { backend, status } = answer;
    if (outcome === 'cut by backend') this.#noteBroken(backend, { status, err: error });
    else if (status < 500) backend.health.succeeded();
  }

  #noteAnswer(pool: Pool, answer: BackendResponse): void {
    const { backend, status, elapsedMs } = answer;
    backend.health.asked();
    if (status < 400) backend.answeredAfter(elapsedMs);
    else if (isRetryable(answer)) backend.latency.failed(elapsedMs, pool.slowestOtherMs(backend));
    const deferMs = retryAfterMs(answer);
    if (deferMs !== undefined) backend.health.defer(deferMs);
    if (isBroken(answer)) this.#noteBroken(backend, { status });
  }

  #noteFailure(pool: Pool, { backend, kind, error, elapsedMs }: BackendFailure): void {
    if (kind === 'unseen') {
      const bindings = { requestId: this.requestId, backend: backend.id, err: error };
      this.logger.debug(bindings, 'kept-alive connection had been closed');
      return;
    }
    backend.latency.failed(elapsedMs, pool.slowestOtherMs(backend));
    if (kind === 'unreachable') {
      backend.health.unreachable();
      this.#log(backend, { err: error });
      return;
    }
    backend.health.asked();
    this.#noteBroken(backend, { err: error });
  }

  #noteBroken(backend: Backend, why: { status?: number; err?: unknown }): void {
    const ejected = backend.health.failed();
    const { ejectedForMs } = backend.health;
    this.#log(backend, ejected ? { ...why, ejected, ejectedForMs } : why);
  }

  #log(backend: Backend, why: object): void {
    backend.failures++;
    this.logger.warn({ requestId: this.requestId, backend: backend.id, ...why }, 'backend failed');
  }
}
