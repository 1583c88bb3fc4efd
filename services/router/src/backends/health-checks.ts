import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@switchyard/service-kit';
import type { Dispatcher } from 'undici';
import type { Backend } from './backend.js';
import { discoverModels } from './model-discovery.js';
import { firstPauseMs, pauseMs } from './probe-schedule.js';
import { discoverSlots } from './slot-discovery.js';
import { isUnreachable } from './unreachable.js';
import type { WarmUps } from './warm-ups.js';

export interface HealthCheckSettings {
  intervalMs: number;
  timeoutMs: number;
}

/** How soon it is noticed that a request found a backend to be out. */
const NOTICE_MS = 500;
/** Models and slots are asked for again after this many probes. */
const REDISCOVER_PROBES = 12;

interface Watched {
  stop: AbortController;
  loop: Promise<void>;
  /** Set when what it serves is to be asked for again. */
  isStale: boolean;
}

/** `GET <health path>` on every backend, for ever; any answer below 500 is alive. */
export class HealthChecks {
  #backends: readonly Backend[] = [];
  #settings: HealthCheckSettings = { intervalMs: 5000, timeoutMs: 2000 };
  readonly #watched = new Map<Backend, Watched>();

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly logger: Logger,
    private readonly random: () => number = Math.random,
    private readonly warmUps?: Pick<WarmUps, 'look'>,
  ) {}

  /**
   * Watches these and no others. Resolves when those that are new have been probed once, so that
   * what is alive is known before a request asks.
   */
  async follow(backends: readonly Backend[], settings: HealthCheckSettings): Promise<void> {
    this.#backends = backends;
    this.#settings = settings;
    for (const [backend, { stop }] of this.#watched)
      if (!backends.includes(backend)) {
        stop.abort();
        this.#watched.delete(backend);
      }
    // A server that is in more or fewer pools than before has its slots split anew.
    for (const watched of this.#watched.values()) watched.isStale = true;
    const isStart = this.#watched.size === 0;
    const added = backends.filter((backend) => !this.#watched.has(backend));
    const stops = new Map(added.map((backend) => [backend, new AbortController()]));
    await Promise.all(
      [...stops].map(([backend, stop]) =>
        this.#check(backend, stop.signal, { rediscover: true, isNew: !isStart }),
      ),
    );
    for (const [backend, stop] of stops) {
      const watched: Watched = { stop, loop: Promise.resolve(), isStale: false };
      this.#watched.set(backend, watched);
      watched.loop = this.#watch(backend, watched);
    }
  }

  async close(): Promise<void> {
    const all = [...this.#watched.values()];
    for (const { stop } of all) stop.abort();
    await Promise.all(all.map(({ loop }) => loop));
  }

  async #watch(backend: Backend, watched: Watched): Promise<void> {
    const { signal } = watched.stop;
    let pause = firstPauseMs(this.#settings.intervalMs, this.random);
    for (let probes = 1; ; probes++) {
      await this.#pause(backend, pause, signal);
      if (signal.aborted) return;
      const rediscover = watched.isStale || probes % REDISCOVER_PROBES === 0;
      watched.isStale = false;
      await this.#check(backend, signal, { rediscover });
      pause = pauseMs(this.#settings.intervalMs, false, this.random);
    }
  }

  /** Shorter when the backend is out, or goes out meanwhile. */
  async #pause(backend: Backend, ms: number, signal: AbortSignal): Promise<void> {
    const started = performance.now();
    const whenOut = Math.min(ms, pauseMs(this.#settings.intervalMs, true, this.random));
    for (;;) {
      const left = (isOut(backend) ? whenOut : ms) - (performance.now() - started);
      if (left <= 0 || signal.aborted) return;
      await sleep(Math.min(left, NOTICE_MS), undefined, { signal }).catch(() => undefined);
    }
  }

  async #check(
    backend: Backend,
    signal: AbortSignal,
    { rediscover, isNew = false }: { rediscover: boolean; isNew?: boolean },
  ): Promise<void> {
    const { timeoutMs } = this.#settings;
    const before = backend.health.state;
    await this.#probe(backend, signal);
    const { state } = backend.health;
    const isWell = state !== 'dead' && state !== 'silent';
    const wasOut = before === 'dead' || before === 'silent';
    // At once: no request may come in between.
    if (isWell) this.warmUps?.look(backend, { cameBack: wasOut || isNew, timeoutMs });
    if (state !== before)
      this.logger.info({ backend: backend.id, from: before, to: state }, 'backend health changed');
    if (!isWell) return;
    // One that came back may have been started with other settings.
    const ask = rediscover || before === 'dead';
    const modelsWanted = backend.configuredModel === undefined;
    if (modelsWanted && (ask || backend.models.length === 0))
      await discoverModels(backend, this.dispatcher, timeoutMs);
    if (ask && backend.configuredCapacity === undefined)
      await discoverSlots(backend, this.#backends, this.dispatcher, timeoutMs);
  }

  async #probe(backend: Backend, stop: AbortSignal): Promise<void> {
    const { timeoutMs } = this.#settings;
    const { origin, pathname, search } = new URL(backend.url + backend.healthPath);
    try {
      const { statusCode, body } = await this.dispatcher.request({
        origin,
        path: pathname + search,
        method: 'GET',
        headers: backend.authorization,
        // A connection of its own: one that is open says nothing of whether a new one would be.
        reset: true,
        signal: AbortSignal.any([stop, AbortSignal.timeout(timeoutMs)]),
      });
      await body.dump({ limit: 64 * 1024 });
      if (statusCode < 500) backend.health.probeAnswered();
      else backend.health.probeLost(false);
    } catch (error) {
      if (!stop.aborted) backend.health.probeLost(isUnreachable(error));
    }
  }
}

/** One that asked to be left alone is well, and is left alone. */
const isOut = ({ health }: Backend): boolean => !['healthy', 'deferred'].includes(health.state);
