import { Counter, Gauge, type Registry } from '@switchyard/service-kit';
import type { BackendRegistry } from './backends/backend-registry.js';
import type { ConnectionLedger, LedgerStatus } from './connections/connection-ledger.js';

const COUNTS: readonly LedgerStatus['counts'][] = ['own', 'shared', 'rejoining', 'local'];

/** How connections are counted, and who waits, read off when somebody asks for the metrics. */
export function observeConnections(
  metrics: Registry,
  registry: () => BackendRegistry,
  ledger: ConnectionLedger,
): void {
  const registers = [metrics];
  const pools = () => [...registry().pools.values()];
  const poolGauge = (name: string, help: string, value: (pool: string) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['pool'],
      registers,
      collect() {
        this.reset();
        for (const { name: pool } of pools()) this.set({ pool }, value(pool));
      },
    });
  poolGauge(
    'switchyard_queue_length',
    'Requests at this router that wait for a slot of a pool.',
    (pool) => ledger.waiting(pool).here,
  );
  poolGauge(
    'switchyard_queue_length_cluster',
    'The same at all routers, as this one last heard.',
    (pool) => ledger.waiting(pool).cluster,
  );
  poolGauge(
    'switchyard_replicas',
    'Routers that count the connections of a pool together, as this one last heard.',
    (pool) => ledger.status(pool).replicas,
  );
  new Gauge({
    name: 'switchyard_connection_counts',
    help: '1 for how connections are counted: own (no Redis), shared, rejoining, local (Redis is away).',
    labelNames: ['pool', 'counts'],
    registers,
    collect() {
      this.reset();
      for (const { name: pool } of pools())
        for (const counts of COUNTS)
          this.set({ pool, counts }, ledger.status(pool).counts === counts ? 1 : 0);
    },
  });
  new Counter({
    name: 'switchyard_affinity_requests_total',
    help: 'Requests of pools with affinity, on the backend of their key (home) or on another one (away).',
    labelNames: ['pool', 'served'],
    registers,
    collect() {
      this.reset();
      for (const { name: pool, spec, affinity } of pools())
        if (spec.affinity)
          for (const served of ['home', 'away'] as const)
            this.inc({ pool, served }, affinity[served]);
    },
  });
  new Counter({
    name: 'switchyard_queue_refusals_total',
    help: 'Requests refused because too many waited (full) or because they waited too long (late).',
    labelNames: ['pool', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const { name: pool, queue } of pools())
        for (const reason of ['full', 'late'] as const)
          this.inc({ pool, reason }, queue.refused[reason]);
    },
  });
}
