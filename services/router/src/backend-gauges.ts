import { Gauge, type Registry } from '@switchyard/service-kit';
import type { Backend } from './backends/backend.js';
import type { BackendRegistry } from './backends/backend-registry.js';
import type { Pool } from './backends/pool.js';

/** Makes gauges of each backend, read off the fleet when somebody asks; undefined: no series. */
export const backendGauges =
  (metrics: Registry, registry: () => BackendRegistry) =>
  (name: string, help: string, value: (one: Backend, pool: Pool) => number | undefined): void => {
    new Gauge({
      name,
      help,
      labelNames: ['pool', 'backend'],
      registers: [metrics],
      collect() {
        this.reset();
        for (const pool of registry().pools.values())
          for (const one of pool.backends) {
            const current = value(one, pool);
            if (current !== undefined) this.set({ pool: pool.name, backend: one.name }, current);
          }
      },
    });
  };
