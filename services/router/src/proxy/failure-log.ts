import type { Logger } from '@switchyard/service-kit';
import type { Backend } from '../backends/backend.js';
import { type BackendFailure, type BackendResponse, isBroken } from './backend-response.js';
import type { RelayEnd } from './relay.js';

/** Tells a backend's health how a request of it went, and the log why it failed. */
export class FailureLog {
  constructor(
    private readonly logger: Logger,
    private readonly requestId: string,
  ) {}

  noteAnswer(answer: BackendResponse): void {
    const { backend, status } = answer;
    backend.requests++;
    if (isBroken(answer)) this.#noteBroken(backend, { status });
  }

  /** An answer is a success when it did not break off; only then do the failures before it end. */
  noteEnd(answer: BackendResponse, { outcome, error }: RelayEnd): void {
    const { backend, status } = answer;
    if (outcome === 'cut by backend') this.#noteBroken(backend, { status, err: error });
    else if (status < 500) backend.health.succeeded();
  }

  noteFailure({ backend, kind, error }: BackendFailure): void {
    backend.requests++;
    if (kind !== 'unreachable') {
      this.#noteBroken(backend, { err: error });
      return;
    }
    backend.health.unreachable();
    this.#log(backend, { err: error });
  }

  #noteBroken(backend: Backend, why: { status?: number; err?: unknown }): void {
    const ejected = backend.health.failed();
    this.#log(backend, ejected ? { ...why, ejectedForMs: backend.health.ejectedForMs } : why);
  }

  #log(backend: Backend, why: object): void {
    backend.failures++;
    this.logger.warn({ requestId: this.requestId, backend: backend.id, ...why }, 'backend failed');
  }
}
