import type { BackendRegistry } from '../backends/backend-registry.js';
import type { Fleet } from '../configuration/schema.js';
import type { PoolChooser } from '../routing/pool-chooser.js';

/**
 * A configuration and what was made of it. A request takes it once, so that all it does goes by the
 * same one; only those that still look for a backend follow a newer one.
 */
export interface FleetInForce {
  fleet: Fleet;
  registry: BackendRegistry;
  chooser: PoolChooser;
}
