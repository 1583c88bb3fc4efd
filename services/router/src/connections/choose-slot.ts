import type { Candidate, Shortlist } from '../balancing/policy.js';

/**
 * The choice a ledger makes, on counts that do not change meanwhile.
 * `random` gives numbers in [0, 1) and breaks ties.
 */
export function chooseSlot(
  { candidates, rule }: Shortlist,
  inFlight: (id: string) => number,
  random: () => number,
): Candidate | undefined {
  const hasRoom = (candidate: Candidate) => inFlight(candidate.id) < candidate.capacity;
  const { among = 0, plus = 0 } = rule.kind === 'leastLoaded' ? rule : {};
  let best: Candidate | undefined;
  let bestLoad = Number.POSITIVE_INFINITY;
  let ties = 0;
  for (const candidate of candidates.slice(0, among)) {
    if (!hasRoom(candidate)) continue;
    const load = (inFlight(candidate.id) + plus) / candidate.weight;
    if (load < bestLoad) {
      best = candidate;
      bestLoad = load;
      ties = 1;
    } else if (load === bestLoad && random() * ++ties < 1) {
      // Reservoir sampling: each of the tied is kept with the same probability.
      best = candidate;
    }
  }
  return best ?? candidates.slice(among).find(hasRoom);
}
