import type { Backend } from '../backends/backend.js';
import type { Pool } from '../backends/pool.js';
import type { Variant } from '../backends/variants.js';
import type { Shortlist } from '../balancing/policy.js';
import type { ConnectionLedger, Lease } from '../connections/connection-ledger.js';
import type { AffinityKeys } from './affinity-key.js';
import type { Candidates } from './search-stages.js';

/** What a slot may be taken for. */
export interface Offer {
  pool: Pool;
  /** Of a pool that has some. */
  variant?: Variant | undefined;
  backend: Backend;
}

export interface Found extends Offer {
  lease: Lease;
}

/** What `model` becomes on the way there; undefined: the field is dropped. */
export const modelFor = ({ variant, backend }: Offer, asked: string | undefined) =>
  variant?.model ?? backend.modelFor(asked);

/** What the ledger has been offered for a request: the fleet may change before it has taken something. */
export class Offers {
  readonly #offered = new Map<string, Offer>();
  /** The backend of the request's key, of each pool. */
  readonly #homes = new Map<string, string | undefined>();

  constructor(
    private readonly options: {
      ledger: Pick<ConnectionLedger, 'inFlight'>;
      keys: Pick<AffinityKeys, 'of'>;
    },
  ) {}

  /** Of these groups of one pool; a backend that is in several stands for the first. */
  shortlist(named: Pool, groups: readonly Candidates[], peek = false): Shortlist {
    const { ledger, keys } = this.options;
    // That of the groups is the newer one.
    const pool = groups[0]?.pool ?? named;
    const backends = new Set<Backend>();
    for (const { candidates, variant } of groups)
      for (const backend of candidates) {
        if (backends.has(backend)) continue;
        backends.add(backend);
        this.#offered.set(backend.id, { pool, variant, backend });
      }
    const key = keys.of(pool.spec.affinity);
    const inFlight = (id: string) => ledger.inFlight(pool.name, id).cluster;
    const shortlist = pool.shortlist([...backends], { peek, key, inFlight });
    this.#homes.set(pool.name, shortlist.candidates[0]?.id);
    return shortlist;
  }

  of(backendId: string): Offer | undefined {
    return this.#offered.get(backendId);
  }

  taken(lease: Lease): Found | undefined {
    const offer = this.of(lease.backendId);
    if (!offer) return undefined;
    const { pool, variant, backend } = offer;
    return { pool, variant, backend, lease };
  }

  /** Counts whether a request got the backend of its key. */
  noteAffinity({ pool, backend }: Offer): void {
    if (!pool.spec.affinity) return;
    pool.affinity[this.#homes.get(pool.name) === backend.id ? 'home' : 'away']++;
  }
}
