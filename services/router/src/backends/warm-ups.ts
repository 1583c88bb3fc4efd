import type { Logger } from '@switchyard/service-kit';
import type { Dispatcher } from 'undici';
import type { WarmSettings } from '../configuration/warm-settings.js';
import type { ConnectionLedger } from '../connections/connection-ledger.js';
import { targetOf } from '../proxy/target.js';
import type { Backend } from './backend.js';
import { hasLoaded } from './loaded-models.js';

export interface WarmUpsOptions {
  dispatcher: Dispatcher;
  acquire: ConnectionLedger['acquire'];
  logger: Logger;
}

/** Of a backend that has just been found to be well. */
export interface Seen {
  /** It was out, or is new: nothing is known of its memory. */
  cameBack: boolean;
  timeoutMs: number;
}

/**
 * Sees to it that backends have their model loaded before requests have to wait for it. One that is
 * being warmed is used when nothing better is there; one that is not warm, and is not warmed, when
 * the warm ones are full.
 */
export class WarmUps {
  readonly #stop = new AbortController();
  readonly #running = new Map<Backend, Promise<void>>();

  constructor(private readonly options: WarmUpsOptions) {}

  /** To be called after every probe that found it well; what takes long goes on by itself. */
  look(backend: Backend, seen: Seen): void {
    const { warm } = backend;
    if (!warm) {
      backend.warmth = 'warm';
      return;
    }
    if (this.#running.has(backend) || this.#stop.signal.aborted) return;
    // Nobody will ask it; when it is active again it is looked at as one that came back.
    if (backend.state !== 'active') {
      if (seen.cameBack) backend.warmth = 'cold';
      return;
    }
    // Before anything is waited for: no request may come in between.
    if (seen.cameBack) backend.warmth = 'warming';
    const work = this.#see(backend, warm, seen).finally(() => this.#running.delete(backend));
    this.#running.set(backend, work);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running.values());
  }

  async #see(backend: Backend, warm: WarmSettings, { cameBack, timeoutMs }: Seen): Promise<void> {
    const { dispatcher } = this.options;
    const loaded = warm.detect && (await hasLoaded(backend, warm.detect, dispatcher, timeoutMs));
    const wasCold = cameBack || backend.isCold;
    if (loaded ?? !wasCold) backend.warmth = 'warm';
    else if (warm.request === false) backend.warmth = 'cold';
    else await this.#warmUp(backend, warm, warm.request);
  }

  async #warmUp(
    backend: Backend,
    { timeoutMs }: WarmSettings,
    { path, body }: Exclude<WarmSettings['request'], false>,
  ): Promise<void> {
    const { dispatcher, acquire, logger } = this.options;
    const [pool = ''] = backend.id.split('/', 1);
    const rule = { kind: 'inOrder' as const };
    const lease = await acquire(pool, { candidates: [backend.candidate], rule });
    // One that works on as many requests as it can has loaded what they need.
    if (!lease) {
      backend.warmth = 'warm';
      return;
    }
    backend.warmth = 'warming';
    backend.warmUps.sent++;
    const started = performance.now();
    try {
      const model = backend.modelFor(undefined);
      const { statusCode, body: answer } = await dispatcher.request({
        ...targetOf(backend, path),
        method: 'POST',
        headers: { 'content-type': 'application/json', ...backend.authorization },
        body: JSON.stringify({ ...body, ...(model !== undefined && { model }) }),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]),
      });
      for await (const _ of answer);
      if (statusCode >= 400) throw new Error(`answered with status ${statusCode}`);
      backend.warmth = 'warm';
      const ms = Math.round(performance.now() - started);
      logger.info({ backend: backend.id, ms }, 'backend warmed');
    } catch (error) {
      // Looked at again after the next probe.
      backend.warmth = 'cold';
      backend.warmUps.failed++;
      if (!this.#stop.signal.aborted)
        logger.warn({ backend: backend.id, err: error }, 'backend could not be warmed');
    } finally {
      lease.release();
    }
  }
}
