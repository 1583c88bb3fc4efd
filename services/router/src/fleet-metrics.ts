import { Counter, Gauge, type Registry } from '@switchyard/service-kit';
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
  new Gauge({
    name: 'switchyard_backend_in_flight',
    help: 'Requests in flight on a backend through this router.',
    labelNames: ['pool', 'backend'],
    registers,
    collect() {
      this.reset();
      for (const pool of registry().pools.values())
        for (const { id, name } of pool.backends)
          this.set({ pool: pool.name, backend: name }, ledger.inFlight(pool.name, id).here);
    },
  });
  new Gauge({
    name: 'switchyard_backend_in_flight_cluster',
    help: 'Requests in flight on a backend through all routers, as this one last heard.',
    labelNames: ['pool', 'backend'],
    registers,
    collect() {
      this.reset();
      for (const pool of registry().pools.values())
        for (const { id, name } of pool.backends)
          this.set({ pool: pool.name, backend: name }, ledger.inFlight(pool.name, id).cluster);
    },
  });
  new Gauge({
    name: 'switchyard_backend_healthy',
    help: '1: takes requests; 0: asked to be left alone, ejected, silent or dead.',
    labelNames: ['pool', 'backend'],
    registers,
    collect() {
      this.reset();
      for (const pool of registry().pools.values())
        for (const { name, health } of pool.backends)
          this.set({ pool: pool.name, backend: name }, health.usable ? 1 : 0);
    },
  });
  new Gauge({
    name: 'switchyard_backend_warm',
    help: '1: has its model loaded, as far as is known or asked for; 0: cold, or being warmed.',
    labelNames: ['pool', 'backend'],
    registers,
    collect() {
      this.reset();
      for (const pool of registry().pools.values())
        for (const { name, warmth } of pool.backends)
          this.set({ pool: pool.name, backend: name }, warmth === 'warm' ? 1 : 0);
    },
  });
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
