import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@switchyard/service-kit';
import type { Dispatcher } from 'undici';
import type { Backend } from './backend.js';
import { discoverModels } from './model-discovery.js';
import { firstPauseMs, pauseMs } from './probe-schedule.js';
import { discoverSlots } from './slot-discovery.js';
import { isUnreachable } from './unreachable.js';

export interface HealthCheckSettings {
  intervalMs: number;
  timeoutMs: number;
}

/** How soon it is noticed that a request found a backend to be out. */
const NOTICE_MS = 500;
/** Models and slots are asked for again after this many probes. */
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
    private readonly random: () => number = Math.random,
  ) {
    // One for every backend, and no leak however many there are.
    setMaxListeners(0, this.#stop.signal);
  }

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
    const { intervalMs } = this.settings;
    let pause = firstPauseMs(intervalMs, this.random);
    for (let probes = 1; ; probes++) {
      await this.#pause(backend, pause);
      if (this.#stop.signal.aborted) return;
      await this.#check(backend, probes % REDISCOVER_PROBES === 0);
      pause = pauseMs(intervalMs, false, this.random);
    }
  }

  /** Shorter when the backend is out, or goes out meanwhile. */
  async #pause(backend: Backend, ms: number): Promise<void> {
    const { signal } = this.#stop;
    const started = performance.now();
    const whenOut = Math.min(ms, pauseMs(this.settings.intervalMs, true, this.random));
    for (;;) {
      const left = (isOut(backend) ? whenOut : ms) - (performance.now() - started);
      if (left <= 0 || signal.aborted) return;
      await sleep(Math.min(left, NOTICE_MS), undefined, { signal }).catch(() => undefined);
    }
  }

  async #check(backend: Backend, rediscover: boolean): Promise<void> {
    const before = backend.health.state;
    await this.#probe(backend);
    const { state } = backend.health;
    if (state !== before)
      this.logger.info({ backend: backend.id, from: before, to: state }, 'backend health changed');
    if (state === 'dead' || state === 'silent') return;
    const { timeoutMs } = this.settings;
    // One that came back may have been started with other settings.
    const ask = rediscover || before === 'dead';
    const modelsWanted = backend.configuredModel === undefined;
    if (modelsWanted && (ask || backend.models.length === 0))
      await discoverModels(backend, this.dispatcher, timeoutMs);
    if (ask && backend.configuredCapacity === undefined)
      await discoverSlots(backend, this.backends, this.dispatcher, timeoutMs);
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
        // A connection of its own: one that is open says nothing of whether a new one would be.
        reset: true,
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

/** One that asked to be left alone is well, and is left alone. */
const isOut = ({ health }: Backend): boolean => !['healthy', 'deferred'].includes(health.state);
