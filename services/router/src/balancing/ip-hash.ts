import type { Policy } from './policy.js';
import { rendezvous } from './rendezvous.js';

/**
 * The same client on the same backend: candidates by weighted rendezvous hashing on the client's
 * address. A full or missing backend gives way to the next of the client's own ranking, and has the
 * client back when it returns. Clients behind one address share one backend.
 */
export const ipHash: Policy = (candidates, { key }) => ({
  candidates: rendezvous(key, candidates),
  rule: { kind: 'inOrder' },
});
