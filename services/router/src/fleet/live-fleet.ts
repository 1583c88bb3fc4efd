import type { AdminOverrides } from '../administration/admin-overrides.js';
import { BackendRegistry } from '../backends/backend-registry.js';
import type { HealthChecks } from '../backends/health-checks.js';
import type { Fleet } from '../configuration/schema.js';
import type { IntentSource } from '../routing/intent-source.js';
import { PoolChooser } from '../routing/pool-chooser.js';
import type { FleetInForce } from './fleet-in-force.js';

export interface LiveFleetOptions {
  fleet: Fleet;
  health: HealthChecks;
  intents: Pick<IntentSource, 'classify' | 'keepAtMost'>;
}

/** The fleet that is served, and how another one takes its place. */
export class LiveFleet {
  #current: FleetInForce;
  #overrides: Pick<AdminOverrides, 'of'> | undefined;

  constructor(private readonly options: LiveFleetOptions) {
    this.#current = this.#inForce(options.fleet, new BackendRegistry(options.fleet));
  }

  get current(): FleetInForce {
    return this.#current;
  }

  /** From now on what operators said holds for every backend, those to come too. */
  follow(overrides: Pick<AdminOverrides, 'of'>): void {
    this.#overrides = overrides;
    this.administer();
  }

  administer(registry = this.#current.registry): void {
    for (const backend of registry.backends())
      backend.admin = this.#overrides?.of(backend.id) ?? {};
  }

  /** Probes every backend for the first time. */
  async start(): Promise<void> {
    const { fleet, registry } = this.#current;
    await this.options.health.follow(registry.backends(), fleet.health);
  }

  /**
   * Backends that are new are probed before they are offered requests. What runs goes on with what it
   * has; a backend that stays keeps what is known of it, and those that are gone are watched no more.
   */
  async apply(fleet: Fleet): Promise<void> {
    const registry = new BackendRegistry(fleet, this.#current.registry);
    this.administer(registry);
    await this.options.health.follow(registry.backends(), fleet.health);
    this.options.intents.keepAtMost(fleet.classification.cacheSize);
    this.#current = this.#inForce(fleet, registry);
    // What was said in the meantime reached only those of the fleet before.
    this.administer();
  }

  #inForce(fleet: Fleet, registry: BackendRegistry): FleetInForce {
    return { fleet, registry, chooser: new PoolChooser(fleet, registry, this.options.intents) };
  }
}
