import { LRUCache } from 'lru-cache';
import { policyNamed } from '../balancing/policies.js';
import type { Policy, Shortlist } from '../balancing/policy.js';
import type { PoolSpec } from '../configuration/schema.js';
import type { Backend } from './backend.js';

/** What a request demands of the models that may serve it. */
export interface Demands {
  images: boolean;
  tools: boolean;
  /** Estimate of the prompt's length. */
  tokens: number;
}

/** Sets of candidates whose turns are counted; a pool has few that come up again and again. */
const MAX_COUNTED_SETS = 256;

export class Pool {
  readonly #policy: Policy;
  /**
   * Turns taken, per set of candidates: with one count for all, requests for different models that
   * alternate would each meet only every other turn of their own, and retries would shift both.
   */
  readonly #turns = new LRUCache<string, number>({ max: MAX_COUNTED_SETS });

  constructor(
    readonly name: string,
    readonly spec: PoolSpec,
    readonly backends: readonly Backend[],
  ) {
    this.#policy = policyNamed(spec.policy);
  }

  /** Whether its models can take such a request; what a pool does not declare, it can. */
  canTake({ images, tools, tokens }: Demands): boolean {
    const { spec } = this;
    if (images && spec.images === false) return false;
    if (tools && spec.tools === false) return false;
    return spec.contextTokens === undefined || tokens <= spec.contextTokens;
  }

  /** Active backends that serve the model asked for. */
  serving(model: string | undefined): Backend[] {
    return this.backends.filter(
      (backend) =>
        backend.state === 'active' && (model === undefined || backend.models.includes(model)),
    );
  }

  /** The policy's ranking for the next request; `peek` leaves the turn to the one that will come. */
  shortlist(candidates: readonly Backend[], { peek = false } = {}): Shortlist {
    const set = candidates.map(({ id }) => id).join();
    const turn = this.#turns.get(set) ?? 0;
    if (!peek) this.#turns.set(set, turn + 1);
    return this.#policy(candidates, { turn });
  }
}
