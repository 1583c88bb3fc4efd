import type { Limits } from '../configuration/schema.js';
import type { ConnectionLedger, Lease } from '../connections/connection-ledger.js';
import { rateLimited, tooManyConcurrent } from '../errors.js';
import type { Rate, RequestRates } from './request-rates.js';

/** No pool can have this name. */
const POOL = '~clients';

/** Of a request that may go on. */
export interface Admission {
  /** OpenAI's headers on what is left; none where the client has no rate. */
  headers: Readonly<Record<string, string>>;
  release(): void;
}

const FREE: Admission = { headers: {}, release: () => undefined };

/**
 * What each client may ask for: requests per minute, and requests at a time. The latter are leases
 * in the same ledger that counts connections, so that they are exact over all routers, and those of
 * a router that was killed come back.
 */
export class ClientLimits {
  constructor(
    private readonly rates: RequestRates,
    private readonly ledger: ConnectionLedger,
  ) {}

  /** Rejects with `rate_limit_exceeded`. The client that has no name is "anonymous". */
  async admit(client: string | undefined, limits: Limits | undefined): Promise<Admission> {
    if (!limits) return FREE;
    const name = client ?? 'anonymous';
    const { requestsPerMinute, concurrent } = { ...limits, ...limits.clients[name] };
    const [rate, lease] = await Promise.all([
      requestsPerMinute === undefined ? undefined : this.rates.take(name, requestsPerMinute),
      concurrent === undefined ? undefined : this.#occupy(name, concurrent),
    ]);
    const headers = rate ? rateHeaders(rate) : {};
    if (rate && !rate.allowed) {
      lease?.release();
      throw rateLimited(name, rate.limit, rate.resetMs / 1000, headers);
    }
    if (concurrent !== undefined && !lease) throw tooManyConcurrent(name, concurrent, headers);
    return { headers, release: () => lease?.release() };
  }

  #occupy(client: string, capacity: number): Promise<Lease | undefined> {
    const candidate = { id: `${POOL}/${client}`, capacity, weight: 1 };
    return this.ledger.acquire(POOL, { candidates: [candidate], rule: { kind: 'inOrder' } });
  }
}

function rateHeaders({ limit, remaining, resetMs }: Rate): Record<string, string> {
  return {
    'x-ratelimit-limit-requests': String(limit),
    'x-ratelimit-remaining-requests': String(remaining),
    'x-ratelimit-reset-requests': `${(resetMs / 1000).toFixed(3)}s`,
  };
}
