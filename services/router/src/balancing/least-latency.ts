import type { Candidate, Policy, PolicyRequest } from './policy.js';

/** Milliseconds; keeps an estimate that has decayed away from making a backend free of cost. */
const LEAST_MS = 0.01;
/** What counts when nothing is known of any candidate: the same for all, so that loads decide. */
const UNKNOWN_MS = 1;

/**
 * The least expected wait: latency x (in flight + 1) / weight, with latency the peak-EWMA of the time
 * to first byte in milliseconds (Finagle's PeakEwma, linkerd's load balancer; see
 * backends/peak-ewma.ts, where failures count as slow). The ledger does the choosing: it minimises
 * (in flight + 1) / w for the weight w = weight / latency that it is given.
 * A backend of which nothing is known counts as quick as the quickest while it is idle, so that it is
 * tried at once, and as slow as the slowest while somebody waits for it, so that it is not flooded.
 */
export const leastLatency: Policy = (candidates, request) => {
  const known = candidates.flatMap(({ latencyMs }) => latencyMs ?? []);
  const quickest = known.length > 0 ? Math.min(...known) : UNKNOWN_MS;
  const slowest = known.length > 0 ? Math.max(...known) : UNKNOWN_MS;
  const latency = (candidate: Candidate, { inFlight }: PolicyRequest) =>
    candidate.latencyMs ?? (inFlight(candidate.id) === 0 ? quickest : slowest);
  return {
    candidates: candidates.map((candidate) => ({
      ...candidate,
      weight: candidate.weight / Math.max(LEAST_MS, latency(candidate, request)),
    })),
    rule: { kind: 'leastLoaded', among: candidates.length, plus: 1 },
  };
};
