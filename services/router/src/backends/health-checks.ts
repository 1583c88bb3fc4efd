import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@switchyard/service-kit';
import type { Dispatcher } from 'undici';
import type { Backend } from './backend.js';
import { discoverModels } from './model-discovery.js';
import { isUnreachable } from './unreachable.js';

export interface HealthCheckSettings {
  intervalMs: number;
  timeoutMs: number;
}

/** A backend that is out is looked at this often, so that it is back soon. */
const OUT_INTERVAL_MS = 1000;
/** Share of the interval by which a probe comes earlier, so that replicas do not probe in step. */
const JITTER = 0.2;
/** A model list is asked for again after this many probes. */
const REDISCOVER_PROBES = 12;

/** `GET <health path>` on every backend, for ever; any answer below 500 is alive. */
export class HealthChecks {
  readonly #stop = new AbortController();
  #loops: Promise<void>[] = [];

  constructor(
    private readonly backends: readonly Backend[],
    private readonly dispatcher: Dispatcher,
    private readonly settings: HealthCheckSettings,
    private readonly logger: Logger,
  ) {}

  /** Resolves after the first round, so that a router that is ready knows what is alive. */
  async start(): Promise<void> {
    await Promise.all(this.backends.map((backend) => this.#check(backend, true)));
    this.#loops = this.backends.map((backend) => this.#watch(backend));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }

  async #watch(backend: Backend): Promise<void> {
    const { signal } = this.#stop;
    for (let probes = 1; ; probes++) {
      const { intervalMs } = this.settings;
      const interval = backend.health.usable ? intervalMs : Math.min(intervalMs, OUT_INTERVAL_MS);
      const pause = interval * (1 - JITTER * Math.random());
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await this.#check(backend, probes % REDISCOVER_PROBES === 0);
    }
  }

  async #check(backend: Backend, rediscover: boolean): Promise<void> {
    const before = backend.health.state;
    await this.#probe(backend);
    const { state } = backend.health;
    if (state !== before)
      this.logger.info({ backend: backend.id, from: before, to: state }, 'backend health changed');
    const modelsWanted =
      backend.configuredModel === undefined && state !== 'dead' && state !== 'silent';
    if (modelsWanted && (rediscover || backend.models.length === 0))
      await discoverModels(backend, this.dispatcher, this.settings.timeoutMs);
  }

  async #probe(backend: Backend): Promise<void> {
    const { timeoutMs } = this.settings;
    const { origin, pathname, search } = new URL(backend.url + backend.healthPath);
    try {
      const { statusCode, body } = await this.dispatcher.request({
        origin,
        path: pathname + search,
        method: 'GET',
        headers: backend.authorization,
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]),
      });
      await body.dump({ limit: 64 * 1024 });
      if (statusCode < 500) backend.health.probeAnswered();
      else backend.health.probeLost(false);
    } catch (error) {
      if (!this.#stop.signal.aborted) backend.health.probeLost(isUnreachable(error));
    }
  }
}
