/**
 * Ranks by an exponential race: each runner arrives at -ln(u) / weight, the first to arrive is first.
 * With u uniform in (0, 1] a runner comes first with probability weight / sum(weights), and so does
 * each next one among those that are left. With u drawn at random that is weighted sampling without
 * replacement (Efraimidis and Spirakis, 2006); with u a hash of key and runner it is weighted
 * rendezvous hashing.
 */
export function exponentialRace<Runner extends { readonly weight: number }>(
  runners: readonly Runner[],
  uniform: (runner: Runner) => number,
): Runner[] {
  return runners
    .map((runner) => ({ runner, arrival: -Math.log(uniform(runner)) / runner.weight }))
    .sort((a, b) => a.arrival - b.arrival)
    .map(({ runner }) => runner);
}
