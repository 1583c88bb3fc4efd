import { Counter, Histogram, type Logger, type Registry } from '@switchyard/service-kit';
import type { Dispatcher } from 'undici';
import type { Backend } from '../backends/backend.js';
import type { BackendRegistry } from '../backends/backend-registry.js';
import type { Demands, Pool } from '../backends/pool.js';
import type { ShadowSettings } from '../configuration/rollout-settings.js';
import type { ConnectionLedger } from '../connections/connection-ledger.js';
import type { AffinityKeys } from './affinity-key.js';
import { isHedgeable } from './hedgeable.js';
import type { RequestBody } from './request-body.js';
import { targetOf } from './target.js';

/**
 * What became of a request that was drawn. `answered`: to the end, with any status below 500. The rest
 * were not sent: `busy`: so many copies are under way; `no_slot`: the backends of the shadow are full
 * or down; `too_large`, `unfit`: what the shadow takes does not include it.
 */
const OUTCOMES = [
  'answered',
  'failed',
  'timeout',
  'busy',
  'no_slot',
  'too_large',
  'unfit',
] as const;
export type ShadowOutcome = (typeof OUTCOMES)[number];

export interface Original {
  /** In which it is served. */
  pool: Pool;
  registry: BackendRegistry;
  method: string;
  /** Without the query, and with it. */
  endpoint: string;
  path: string;
  bytes: number;
  body: RequestBody;
  demands: Demands;
  keys: Pick<AffinityKeys, 'of'>;
  /** What the backend of a copy is sent. */
  headers: (own: Readonly<Record<string, string>>) => string[];
}

export interface ShadowOptions {
  ledger: ConnectionLedger;
  dispatcher: Dispatcher;
  logger: Logger;
  metrics: Registry;
  random?: () => number;
}

/**
 * Copies of requests for another pool, whose answers nobody gets. A copy is made once its original is on
 * its way, waits for nothing that the original needs, and takes a slot of its own, never one that
 * somebody waits for. How it ends says nothing about the health of its backend: that one may
 * serve originals too.
 */
export class ShadowCopies {
  readonly #underWay = new Map<string, number>();
  readonly #stop = new AbortController();
  readonly #count: Counter;
  readonly #duration: Histogram;
  readonly #random: () => number;

  constructor(private readonly options: ShadowOptions) {
    this.#random = options.random ?? Math.random;
    const registers = [options.metrics];
    this.#count = new Counter({
      name: 'switchyard_shadow_requests_total',
      help: `Requests drawn to be copied, by the pool they were for and what became of the copy: ${OUTCOMES.join(', ')}.`,
      labelNames: ['pool', 'shadow', 'outcome'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'switchyard_shadow_duration_seconds',
      help: 'From sending a copy to the end of its answer.',
      labelNames: ['pool', 'shadow'],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
      registers,
    });
  }

  /** Copies of a pool's requests that are under way here. */
  underWay(pool: string): number {
    return this.#underWay.get(pool) ?? 0;
  }

  /** To be called when the original is sent; returns at once. */
  consider(original: Original): void {
    const { shadow } = original.pool.spec;
    if (!shadow || this.#stop.signal.aborted || this.#random() * 100 >= shadow.percent) return;
    const refusal = this.#refusal(original, shadow);
    if (refusal) {
      this.#note(original, shadow, refusal);
      return;
    }
    const { name } = original.pool;
    this.#underWay.set(name, this.underWay(name) + 1);
    setImmediate(() => void this.#run(original, shadow));
  }

  /** Gives up those under way. */
  close(): void {
    this.#stop.abort();
  }

  async #run(original: Original, shadow: ShadowSettings): Promise<void> {
    const { name } = original.pool;
    let outcome: ShadowOutcome = 'failed';
    try {
      outcome = await this.#copy(original, shadow);
    } catch (error) {
      this.options.logger.debug({ pool: name, err: error }, 'shadow copy failed');
    }
    this.#underWay.set(name, this.underWay(name) - 1);
    this.#note(original, shadow, outcome);
  }

  #refusal(original: Original, shadow: ShadowSettings): ShadowOutcome | undefined {
    const { endpoint, body, demands, registry, bytes } = original;
    if (bytes > shadow.maxBodyBytes) return 'too_large';
    const fits = registry.pools.get(shadow.pool)?.canTake(demands);
    if (!fits || !isHedgeable(endpoint, body.json)) return 'unfit';
    return this.underWay(original.pool.name) >= shadow.concurrency ? 'busy' : undefined;
  }

  async #copy(original: Original, shadow: ShadowSettings): Promise<ShadowOutcome> {
    const { ledger } = this.options;
    const pool = original.registry.pool(shadow.pool);
    const backends = pool.backends.filter(
      ({ name, state, health }) =>
        (shadow.backend ?? name) === name && state === 'active' && health.usable,
    );
    const inFlight = (id: string) => ledger.inFlight(pool.name, id).cluster;
    const key = original.keys.of(pool.spec.affinity);
    const lease = await ledger.acquire(pool.name, pool.shortlist(backends, { key, inFlight }));
    const backend = backends.find(({ id }) => id === lease?.backendId);
    if (!lease || !backend) return 'no_slot';
    try {
      return await this.#send(original, shadow, backend);
    } finally {
      lease.release();
    }
  }

  async #send(
    { method, path, headers, body, pool }: Original,
    shadow: ShadowSettings,
    backend: Backend,
  ): Promise<ShadowOutcome> {
    const started = performance.now();
    const limit = AbortSignal.timeout(shadow.timeoutMs);
    try {
      const answer = await this.options.dispatcher.request({
        ...targetOf(backend, path),
        method: method as Dispatcher.HttpMethod,
        headers: headers({ ...backend.authorization, 'x-switchyard-shadow': pool.name }),
        body: body.withModel(backend.modelFor(body.model)) ?? null,
        headersTimeout: shadow.timeoutMs,
        bodyTimeout: shadow.timeoutMs,
        signal: AbortSignal.any([limit, this.#stop.signal]),
      });
      for await (const _ of answer.body);
      const seconds = (performance.now() - started) / 1000;
      this.#duration.observe({ pool: pool.name, shadow: shadow.pool }, seconds);
      return answer.statusCode < 500 ? 'answered' : 'failed';
    } catch (error) {
      if (limit.aborted) return 'timeout';
      throw error;
    }
  }

  #note({ pool }: Original, shadow: ShadowSettings, outcome: ShadowOutcome): void {
    this.#count.inc({ pool: pool.name, shadow: shadow.pool, outcome });
  }
}
