import type { Backend } from '../backends/backend.js';
import type { HealthState } from '../backends/backend-health.js';
import type { BackendRegistry } from '../backends/backend-registry.js';
import type { Demands, Pool } from '../backends/pool.js';
import type { Decision } from '../routing/decision.js';

interface Stage {
  pool: Pool;
  backends: readonly Backend[];
  /** Not what was asked for, but what its operator lets it spill into. */
  isFallback: boolean;
}

export interface Candidates extends Omit<Stage, 'backends'> {
  candidates: readonly Backend[];
}

/** Whom to ask first; a dead one is not asked at all. */
export const IN_ORDER: readonly HealthState[] = ['healthy', 'deferred', 'ejected', 'silent'];

/** The backends that a request may try and has not tried, by how well they are, then by pool. */
export class SearchStages {
  readonly #tried = new Set<Backend>();
  readonly #route: readonly Stage[];

  constructor(registry: BackendRegistry, decision: Decision, demands: Demands) {
    this.#route = routeOf(registry, decision, demands);
  }

  /** Whether any pool can take what the request demands. */
  get canServe(): boolean {
    return this.#route.length > 0;
  }

  /** Whether any active backend, tried or not, serves the model. */
  get servesModel(): boolean {
    return this.#route.some(({ backends }) => backends.length > 0);
  }

  tried(backend: Backend): void {
    this.#tried.add(backend);
  }

  /** Groups of candidates in the order they are asked. */
  groups(states: readonly HealthState[] = IN_ORDER): Candidates[] {
    return states.flatMap((wanted) =>
      this.#route.flatMap(({ pool, backends, isFallback }) => {
        const candidates = backends.filter(
          (backend) =>
            backend.state === 'active' &&
            backend.health.state === wanted &&
            !this.#tried.has(backend),
        );
        return candidates.length > 0 ? [{ pool, candidates, isFallback }] : [];
      }),
    );
  }

  /** The candidates of a pool, if nowhere in these pools anybody is better. */
  best(pool: Pool, pools: ReadonlySet<Pool>): readonly Backend[] {
    const groups = IN_ORDER.map((state) =>
      this.groups([state]).filter((group) => pools.has(group.pool)),
    ).find(({ length }) => length > 0);
    return groups?.find((group) => group.pool === pool)?.candidates ?? [];
  }
}

/**
 * The pools that serve what was asked for, then those their operator lets them spill into, where
 * any model will do.
 */
function routeOf(registry: BackendRegistry, decision: Decision, demands: Demands): Stage[] {
  const meant = new Set([decision.pool, ...(decision.otherPools ?? [])]);
  const spills = new Set([...meant].flatMap((name) => [...registry.fallbacksOf(name)]));
  const stage = (name: string, isFallback: boolean) => {
    const pool = registry.pool(name);
    return { pool, backends: pool.serving(isFallback ? undefined : decision.model), isFallback };
  };
  return [
    ...[...meant].map((name) => stage(name, false)),
    ...[...spills].filter((name) => !meant.has(name)).map((name) => stage(name, true)),
  ].filter(({ pool }) => pool.canTake(demands));
}
