import { Counter, Gauge, type Registry } from '@switchyard/service-kit';
import { backendGauges } from './backend-gauges.js';
import type { Backend } from './backends/backend.js';
import type { HealthState } from './backends/backend-health.js';
import type { BackendRegistry } from './backends/backend-registry.js';
import type { Pool } from './backends/pool.js';

const STATES: readonly HealthState[] = ['healthy', 'deferred', 'ejected', 'silent', 'dead'];

/** What is done about backends that fail, read off the fleet when somebody asks for the metrics. */
export function observeFailures(metrics: Registry, registry: () => BackendRegistry): void {
  const registers = [metrics];
  const pools = () => [...registry().pools.values()];
  const eachBackend = (visit: (labels: Labels, backend: Backend) => void) => {
    for (const pool of pools())
      for (const one of pool.backends) visit({ pool: pool.name, backend: one.name }, one);
  };

  const backendGauge = backendGauges(metrics, registry);
  backendGauge(
    'switchyard_backend_weight',
    'Weight of a backend now: less than configured while it starts slowly.',
    ({ effectiveWeight }) => effectiveWeight,
  );
  backendGauge(
    'switchyard_backend_latency_estimate_seconds',
    'Peak-EWMA of the time to first byte; failures count as slow.',
    ({ latency }) => (latency.estimateMs === undefined ? undefined : latency.estimateMs / 1000),
  );
  new Gauge({
    name: 'switchyard_backend_state',
    help: '1 for the state that a backend is in, 0 for the others.',
    labelNames: ['pool', 'backend', 'state'],
    registers,
    collect() {
      this.reset();
      eachBackend((labels, { health }) => {
        for (const state of STATES) this.set({ ...labels, state }, health.state === state ? 1 : 0);
      });
    },
  });
  new Counter({
    name: 'switchyard_ejections_total',
    help: 'Times a backend was taken out because its requests failed, by why.',
    labelNames: ['pool', 'backend', 'reason'],
    registers,
    collect() {
      this.reset();
      eachBackend((labels, { health: { ejections } }) => {
        this.inc({ ...labels, reason: 'consecutive' }, ejections.consecutive);
        this.inc({ ...labels, reason: 'error_rate' }, ejections.errorRate);
      });
    },
  });

  const poolCounter = (name: string, help: string, value: (pool: Pool) => number) =>
    new Counter({
      name,
      help,
      labelNames: ['pool'],
      registers,
      collect() {
        this.reset();
        for (const pool of pools()) this.inc({ pool: pool.name }, value(pool));
      },
    });
  new Gauge({
    name: 'switchyard_retry_budget_left',
    help: 'Retries and hedges that the requests of a pool may still make now.',
    labelNames: ['pool'],
    registers,
    collect() {
      this.reset();
      for (const { name, retries } of pools()) this.set({ pool: name }, retries.left);
    },
  });
  poolCounter(
    'switchyard_retries_denied_total',
    'Retries and hedges that were not made since the budget of the pool was spent.',
    ({ retries }) => retries.denied,
  );
  poolCounter(
    'switchyard_hedges_total',
    'Second copies of requests that had no first byte in time.',
    ({ hedges }) => hedges.sent,
  );
  poolCounter(
    'switchyard_hedges_won_total',
    'Second copies that answered first.',
    ({ hedges }) => hedges.won,
  );
}

interface Labels {
  pool: string;
  backend: string;
}
