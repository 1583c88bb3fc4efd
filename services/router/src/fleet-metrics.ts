import { Counter, Gauge, type Registry } from '@switchyard/service-kit';
import { backendGauges } from './backend-gauges.js';
import type { BackendRegistry } from './backends/backend-registry.js';
import type { ConnectionLedger } from './connections/connection-ledger.js';
import type { IntentSource } from './routing/intent-source.js';

/** Gauges that are read off the fleet when somebody asks for the metrics. */
export function observeFleet(
  metrics: Registry,
  registry: () => BackendRegistry,
  ledger: ConnectionLedger,
  intents: IntentSource,
): void {
  const registers = [metrics];
  const backendGauge = backendGauges(metrics, registry);
  backendGauge(
    'switchyard_backend_in_flight',
    'Requests in flight on a backend through this router.',
    ({ id }, pool) => ledger.inFlight(pool.name, id).here,
  );
  backendGauge(
    'switchyard_backend_in_flight_cluster',
    'Requests in flight on a backend through all routers, as this one last heard.',
    ({ id }, pool) => ledger.inFlight(pool.name, id).cluster,
  );
  backendGauge(
    'switchyard_backend_healthy',
    '1: takes requests; 0: asked to be left alone, ejected, silent or dead.',
    ({ health }) => (health.usable ? 1 : 0),
  );
  backendGauge(
    'switchyard_backend_warm',
    '1: has its model loaded, as far as is known or asked for; 0: cold, or being warmed.',
    ({ warmth }) => (warmth === 'warm' ? 1 : 0),
  );
  new Counter({
    name: 'switchyard_warm_ups_total',
    help: 'Requests sent to make a backend load its model, and those of them that failed.',
    labelNames: ['pool', 'backend', 'result'],
    registers,
    collect() {
      this.reset();
      for (const pool of registry().pools.values())
        for (const { name: backend, warmUps } of pool.backends) {
          const { sent, failed } = warmUps;
          this.inc({ pool: pool.name, backend, result: 'failed' }, failed);
          this.inc({ pool: pool.name, backend, result: 'sent' }, sent);
        }
    },
  });
  new Gauge({
    name: 'switchyard_classifier_connected',
    help: '1: following the changes of the classifier, so that cached decisions are current.',
    registers,
    collect() {
      this.set(intents.status.connected ? 1 : 0);
    },
  });
  new Gauge({
    name: 'switchyard_classifier_breaker_open',
    help: '1: the classifier failed repeatedly and is not asked for a while.',
    registers,
    collect() {
      this.set(intents.status.breaker === 'closed' ? 0 : 1);
    },
  });
}
