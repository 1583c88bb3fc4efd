import type { Backend, Standing } from '../backends/backend.js';
import type { BackendRegistry } from '../backends/backend-registry.js';
import type { Demands, Pool } from '../backends/pool.js';
import { backendsOf, type Variant, variantsInTurn } from '../backends/variants.js';
import type { Decision } from '../routing/decision.js';
import type { AffinityKeys } from './affinity-key.js';

interface Stage {
  pool: Pool;
  variant?: Variant | undefined;
  backends: readonly Backend[];
  /** Not what was asked for, but what its operator lets it spill into. */
  isFallback: boolean;
}

export interface Candidates extends Omit<Stage, 'backends'> {
  candidates: readonly Backend[];
}

/** Whom to ask first; a dead one is not asked at all. */
export const IN_ORDER: readonly Standing[] = [
  'healthy',
  'warming',
  'deferred',
  'ejected',
  'silent',
];

export interface StagesOptions {
  registry: BackendRegistry;
  /** The one that is in force by now. */
  newest: () => BackendRegistry;
  decision: Decision;
  demands: Demands;
  keys: Pick<AffinityKeys, 'of'>;
}

/**
 * The backends that a request may try and has not tried, by how well they are, then by pool. When the
 * fleet changes while it looks for one, it goes on among those there are then.
 */
export class SearchStages {
  readonly #tried = new Set<Backend>();
  #registry: BackendRegistry;
  #route: readonly Stage[];

  constructor(private readonly options: StagesOptions) {
    this.#registry = options.registry;
    this.#route = routeOf(options.registry, options);
  }

  /** The pool that was chosen. */
  get meant(): Pool {
    return this.#registry.pool(this.options.decision.pool);
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

  /** Groups of candidates in the order they are asked; of those equally well the warm ones first. */
  groups(standings: readonly Standing[] = IN_ORDER): Candidates[] {
    const route = this.#current();
    const found: Candidates[] = [];
    for (const wanted of standings)
      for (const { pool, variant, backends, isFallback } of route) {
        const untried = backends.filter(
          (backend) =>
            backend.state === 'active' && backend.standing === wanted && !this.#tried.has(backend),
        );
        for (const candidates of warmFirst(untried))
          found.push({ pool, variant, candidates, isFallback });
      }
    return found;
  }

  /** The candidates of a pool, if nowhere among those asked anybody is better. */
  best(pool: string, { fallbacks }: { fallbacks: boolean }): Candidates[] {
    const groups = IN_ORDER.map((standing) =>
      this.groups([standing]).filter(({ isFallback }) => fallbacks || !isFallback),
    ).find(({ length }) => length > 0);
    return groups?.filter((group) => group.pool.name === pool) ?? [];
  }

  #current(): readonly Stage[] {
    const newest = this.options.newest();
    if (newest !== this.#registry && newest.pools.has(this.options.decision.pool)) {
      this.#registry = newest;
      this.#route = routeOf(newest, this.options);
    }
    return this.#route;
  }
}

/** One group or two, none of them empty. */
function warmFirst(backends: readonly Backend[]): (readonly Backend[])[] {
  const cold = backends.filter(({ isCold }) => isCold);
  if (cold.length === 0) return backends.length > 0 ? [backends] : [];
  const warm = backends.filter(({ isCold }) => !isCold);
  return warm.length > 0 ? [warm, cold] : [cold];
}

/**
 * The pools that serve what was asked for, then those their operator lets them spill into, where
 * any model will do. In a pool with variants the other variants stand in for that of the request, as
 * a fallback would.
 */
function routeOf(registry: BackendRegistry, { decision, demands, keys }: StagesOptions): Stage[] {
  const asked = [decision.pool, ...(decision.otherPools ?? [])];
  const meant = new Set(asked.filter((name) => registry.pools.has(name)));
  const spills = new Set<string>();
  for (const name of meant)
    for (const fallback of registry.fallbacksOf(name))
      if (!meant.has(fallback)) spills.add(fallback);
  const stagesOf = (name: string, isFallback: boolean): Stage[] => {
    const pool = registry.pool(name);
    if (!pool.canTake(demands)) return [];
    const model = isFallback ? undefined : decision.model;
    const split = variantStages(pool, model, keys, isFallback);
    return split.length > 0 ? split : [{ pool, backends: pool.serving(model), isFallback }];
  };
  const route: Stage[] = [];
  for (const name of meant) route.push(...stagesOf(name, false));
  for (const name of spills) route.push(...stagesOf(name, true));
  return route;
}

/** None when no variant serves the model asked for: then all that do are as good. */
function variantStages(
  pool: Pool,
  model: string | undefined,
  keys: StagesOptions['keys'],
  isFallback: boolean,
): Stage[] {
  if (pool.variants.length === 0) return [];
  const inTurn = variantsInTurn(pool.name, pool.variants, keys.of(pool.spec.affinity));
  const stages = inTurn.map((variant, place) => ({
    pool,
    variant,
    backends: backendsOf(variant, pool.backends, model),
    isFallback: isFallback || place > 0,
  }));
  return stages.some(({ backends }) => backends.length > 0) ? stages : [];
}
