import { type Candidate, LEAST_SHARE, type Shortlist } from '../balancing/policy.js';

/**
 * The choice a ledger makes, on counts that do not change meanwhile.
 * `random` gives numbers in [0, 1) and breaks ties.
 */
export function chooseSlot(
  { candidates, rule, shares = [] }: Shortlist,
  inFlight: (id: string) => number,
  random: () => number,
): Candidate | undefined {
  const hasRoom = (candidate: Candidate) => inFlight(candidate.id) < candidate.capacity;
  let sum: number | undefined;
  const total = () => {
    sum ??= candidates.reduce((all, { id }) => all + inFlight(id), 1);
    return sum;
  };
  const sharing = candidates.slice(0, shares.length);
  const below = sharing.find(
    (candidate, place) =>
      hasRoom(candidate) && inFlight(candidate.id) < shareOf(shares[place] ?? 0, total()),
  );
  if (below) return below;
  const others = candidates.slice(shares.length);
  const { among = 0, plus = 0 } = rule.kind === 'leastLoaded' ? rule : {};
  let best: Candidate | undefined;
  let bestLoad = Number.POSITIVE_INFINITY;
  let ties = 0;
  for (const candidate of others.slice(0, among)) {
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
  return best ?? others.slice(among).find(hasRoom) ?? sharing.find(hasRoom);
}

/** Requests that a share of so many comes to; products such as 1.25 * 0.2 * 4 are a little off. */
const shareOf = (share: number, requests: number) =>
  Math.max(LEAST_SHARE, Math.ceil(share * requests - 1e-9));
