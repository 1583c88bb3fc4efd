import type { BackendSpec, Fleet } from '../configuration/schema.js';
import { Backend } from './backend.js';
import { BackendHealth } from './backend-health.js';
import { Pool } from './pool.js';

/**
 * The pools of a fleet, by name and by model. What is known of the backends and pools of a previous one
 * is kept: a backend is the same when pool, name and URL are.
 */
export class BackendRegistry {
  readonly pools: ReadonlyMap<string, Pool>;

  constructor(fleet: Fleet, previous?: BackendRegistry) {
    this.pools = new Map(
      [...fleet.pools].map(([name, spec]) => {
        const before = previous?.pools.get(name);
        const backends = spec.backends.map((backend) => backendOf(name, backend, fleet, before));
        const pool = new Pool(name, spec, backends, fleet, before);
        for (const { health } of backends) health.sparable = () => pool.canSpareOne;
        return [name, pool];
      }),
    );
  }

  /** Throws when there is no such pool: the configuration was checked at start. */
  pool(name: string): Pool {
    const pool = this.pools.get(name);
    if (!pool) throw new Error(`there is no pool "${name}"`);
    return pool;
  }

  /** The pools that a pool spills into, nearest first. */
  *fallbacksOf(name: string): Iterable<string> {
    // The configuration has no loops.
    for (let next = this.pool(name).spec.fallback; next !== undefined; ) {
      yield next;
      next = this.pool(next).spec.fallback;
    }
  }

  poolsServing(model: string): Pool[] {
    return [...this.pools.values()].filter((pool) =>
      pool.backends.some((backend) => backend.models.includes(model)),
    );
  }

  backends(): Backend[] {
    return [...this.pools.values()].flatMap((pool) => [...pool.backends]);
  }

  /** Pool -> ids of its backends. */
  get backendIds(): ReadonlyMap<string, readonly string[]> {
    const ids = ({ backends }: Pool) => backends.map(({ id }) => id);
    return new Map([...this.pools].map(([name, pool]) => [name, ids(pool)]));
  }

  models(): string[] {
    return [...new Set(this.backends().flatMap((backend) => [...backend.models]))];
  }

  /** Whether a request could be served: anything that can be reached is tried when nothing better is there. */
  get anyUsable(): boolean {
    return this.backends().some(
      ({ state, health }) => state === 'active' && health.state !== 'dead',
    );
  }
}

function backendOf(pool: string, spec: BackendSpec, fleet: Fleet, before?: Pool): Backend {
  const known = before?.backends.find(({ name, url }) => name === spec.name && url === spec.url);
  if (!known) return new Backend(pool, spec, new BackendHealth(fleet));
  known.reconfigure(spec);
  known.health.reconfigure(fleet);
  return known;
}
