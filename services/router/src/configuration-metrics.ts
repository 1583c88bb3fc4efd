import { Counter, Gauge, type Registry } from '@switchyard/service-kit';
import type { AdminOverrides } from './administration/admin-overrides.js';
import type { FleetReloads } from './fleet/fleet-reloads.js';

/** Whether the configuration file is the one that is served, and operators' changes those of all routers. */
export function observeConfiguration(
  metrics: Registry,
  configuration: Pick<FleetReloads, 'counts' | 'isValid'>,
  overrides: Pick<AdminOverrides, 'status'>,
): void {
  const registers = [metrics];
  new Counter({
    name: 'switchyard_config_reloads_total',
    help: 'Changed configuration files that were applied, or refused for their mistakes.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      for (const result of ['applied', 'refused'] as const)
        this.inc({ result }, configuration.counts[result]);
    },
  });
  new Gauge({
    name: 'switchyard_config_valid',
    help: '0: the configuration file as it is now was refused, and an older one is served.',
    registers,
    collect() {
      this.set(configuration.isValid ? 1 : 0);
    },
  });
  new Gauge({
    name: 'switchyard_administration_shared',
    help: '1: states and weights set over /admin are those of all routers; 0: of this one alone.',
    registers,
    collect() {
      this.set(overrides.status.state === 'shared' ? 1 : 0);
    },
  });
}
