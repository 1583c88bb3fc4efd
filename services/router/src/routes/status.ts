import { methodNotAllowed } from '@switchyard/service-kit';
import { Router } from 'express';
import type { AdminOverrides } from '../administration/admin-overrides.js';
import type { Backend } from '../backends/backend.js';
import type { Pool } from '../backends/pool.js';
import type { ConnectionLedger } from '../connections/connection-ledger.js';
import type { FleetInForce } from '../fleet/fleet-in-force.js';
import type { FleetReloads } from '../fleet/fleet-reloads.js';
import type { ShadowCopies } from '../proxy/shadow-copies.js';
import type { IntentSource } from '../routing/intent-source.js';

export interface StatusDependencies {
  current: () => FleetInForce;
  shadows: ShadowCopies;
  ledger: ConnectionLedger;
  intents: IntentSource;
  overrides: AdminOverrides;
  configuration: Pick<FleetReloads, 'status'>;
}

const retryStatus = ({ retries: { left, taken, denied } }: Pool) => ({
  budgetLeft: left,
  taken,
  denied,
});

const queueStatus = (pool: Pool, ledger: ConnectionLedger) => {
  const { here, cluster } = ledger.waiting(pool.name);
  const { settings, refused } = pool.queue;
  return {
    waiting: here,
    waitingCluster: cluster,
    ...settings,
    refusedFull: refused.full,
    refusedLate: refused.late,
  };
};

/** `afterMs` is null while too few answers have been seen to know. */
const hedgingStatus = ({ spec, hedges, hedgeAfterMs }: Pool) =>
  spec.hedge ? { afterMs: hedgeAfterMs ?? null, ...hedges } : null;

const variantStatus = ({ variants, backends }: Pool) =>
  variants.map(({ name, percent, model, backends: own }) => ({
    name,
    percent,
    model: model ?? null,
    backends: own ?? backends.map((backend) => backend.name),
  }));

/** The fleet as this router sees it now. */
export function statusRoutes({
  current,
  ledger,
  intents,
  shadows,
  overrides,
  configuration,
}: StatusDependencies): Router {
  const backendStatus = (pool: Pool, backend: Backend) => {
    const { here, cluster } = ledger.inFlight(pool.name, backend.id);
    return {
      name: backend.name,
      url: backend.url,
      models: backend.models,
      state: backend.state,
      warmth: backend.warmth,
      healthy: backend.health.usable,
      health: backend.health.state,
      ejectedForMs: backend.health.ejectedForMs,
      deferredForMs: backend.health.deferredForMs,
      ejections: backend.health.ejections,
      recent: backend.health.recent,
      weight: backend.weight,
      effectiveWeight: backend.effectiveWeight,
      capacity: Number.isFinite(backend.capacity) ? backend.capacity : null,
      inFlight: here,
      inFlightCluster: cluster,
      requests: backend.requests,
      failures: backend.failures,
      timeToFirstByteMs: backend.timeToFirstByteMs ?? null,
      latencyEstimateMs: backend.latency.estimateMs ?? null,
    };
  };
  return Router()
    .get('/status', (_request, response) => {
      response.json({
        pools: [...current().registry.pools.values()].map((pool) => ({
          name: pool.name,
          policy: pool.spec.policy ?? 'affinity',
          affinity: pool.spec.affinity ? { ...pool.spec.affinity, ...pool.affinity } : null,
          fallback: pool.spec.fallback ?? null,
          retries: retryStatus(pool),
          hedging: hedgingStatus(pool),
          queue: queueStatus(pool, ledger),
          connections: ledger.status(pool.name),
          variants: variantStatus(pool),
          shadow: pool.spec.shadow
            ? { ...pool.spec.shadow, underWay: shadows.underWay(pool.name) }
            : null,
          backends: pool.backends.map((backend) => backendStatus(pool, backend)),
        })),
        classifier: intents.status,
        administration: overrides.status,
        configuration: configuration.status,
      });
    })
    .all('/status', methodNotAllowed('GET'));
}
