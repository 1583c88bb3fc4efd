import { LRUCache } from 'lru-cache';
import { withAffinity } from '../balancing/affinity.js';
import { policyNamed } from '../balancing/policies.js';
import type { Policy, Shortlist } from '../balancing/policy.js';
import type { PoolSpec } from '../configuration/schema.js';
import type { Backend } from './backend.js';
import { FirstByteTimes } from './first-byte-times.js';
import { PoolQueue } from './pool-queue.js';
import { RetryBudget, type RetrySettings } from './retry-budget.js';
import { type Variant, variantsOf } from './variants.js';

/** What a request demands of the models that may serve it. */
export interface Demands {
  images: boolean;
  tools: boolean;
  /** Estimate of the prompt's length. */
  tokens: number;
}

/** Sets of candidates whose turns are counted; a pool has few that come up again and again. */
const MAX_COUNTED_SETS = 256;

export interface ShortlistRequest {
  /** Leaves the turn to the request that will come. */
  peek?: boolean;
  /** Requests of one key should meet the same backend. */
  key: string;
  /** Requests in flight on a backend, as far as this router knows. */
  inFlight: (id: string) => number;
}

export class Pool {
  readonly retries: RetryBudget;
  readonly queue: PoolQueue;
  readonly firstBytes: FirstByteTimes;
  /** Second copies that were sent, and those of them that answered first. */
  readonly hedges: { sent: number; won: number };
  /** Of requests in a pool with affinity: on the backend of their key, and on another one. */
  readonly affinity: { home: number; away: number };
  readonly variants: readonly Variant[];
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
    settings: { retries: RetrySettings },
    previous?: Pool,
    private readonly random: () => number = Math.random,
  ) {
    this.#policy = policyOf(spec);
    this.variants = variantsOf(spec);
    this.firstBytes = previous?.firstBytes ?? new FirstByteTimes();
    this.hedges = previous?.hedges ?? { sent: 0, won: 0 };
    this.affinity = previous?.affinity ?? { home: 0, away: 0 };
    this.retries = previous?.retries ?? new RetryBudget(settings.retries);
    this.retries.reconfigure(settings.retries);
    this.queue = previous?.queue ?? new PoolQueue(spec.queue);
    this.queue.settings = spec.queue;
  }

  /** Whether, with one more backend out, at least half of the active ones would be left. */
  get canSpareOne(): boolean {
    const active = this.backends.filter(({ state }) => state === 'active');
    const out = active.filter(({ health }) => ['ejected', 'silent', 'dead'].includes(health.state));
    return out.length + 1 <= active.length / 2;
  }

  /** Milliseconds without a first byte after which a request is sent a second time; undefined: never. */
  get hedgeAfterMs(): number | undefined {
    const { hedge } = this.spec;
    if (!hedge) return undefined;
    const { percentile, minSamples, minMs } = hedge;
    const usual = this.firstBytes.percentile(percentile, minSamples);
    return usual === undefined ? undefined : Math.max(minMs, usual);
  }

  /** The longest wait expected of any backend but this one; 0 when nothing is known. */
  slowestOtherMs(backend: Backend): number {
    const others = this.backends.filter((other) => other !== backend);
    return Math.max(0, ...others.map(({ latency }) => latency.estimateMs ?? 0));
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

  /** The policy's ranking for the next request. */
  shortlist(
    backends: readonly Backend[],
    { peek = false, key, inFlight }: ShortlistRequest,
  ): Shortlist {
    const set = backends.map(({ id }) => id).join();
    const turn = this.#turns.get(set) ?? 0;
    if (!peek) this.#turns.set(set, turn + 1);
    const candidates = backends.map(({ candidate }) => candidate);
    return this.#policy(candidates, { turn, key, inFlight, random: this.random });
  }
}

function policyOf({ policy, affinity }: PoolSpec): Policy {
  const alone = policy && policyNamed(policy);
  if (!affinity) return alone ?? policyNamed('round-robin');
  const loadBound = affinity.loadBound || undefined;
  return (candidates, request) => withAffinity({ loadBound, policy: alone }, candidates, request);
}
