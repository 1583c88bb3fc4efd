import type { Exemplar } from './exemplar.js';
import type { AddOutcome } from './exemplar-store.js';

/** What an addition came to for one exemplar: 1 added, 0 duplicate, or the intent that holds it. */
export type Verdict = 1 | 0 | string;

export function toOutcome(
  exemplars: readonly Exemplar[],
  verdicts: readonly Verdict[],
): AddOutcome {
  const outcome: AddOutcome = { added: [], duplicates: [], conflicts: [] };
  for (const [index, exemplar] of exemplars.entries()) {
    const verdict = verdicts[index] ?? 0;
    if (verdict === 1) outcome.added.push(exemplar);
    else if (verdict === 0) outcome.duplicates.push(exemplar);
    else outcome.conflicts.push({ exemplar, heldBy: verdict });
  }
  return outcome;
}

/** The same the other way round. */
export function toVerdicts(
  exemplars: readonly Exemplar[],
  { added, conflicts }: AddOutcome,
): Verdict[] {
  const isAdded = new Set(added);
  const heldBy = new Map(conflicts.map(({ exemplar, heldBy }) => [exemplar, heldBy]));
  return exemplars.map((exemplar) => heldBy.get(exemplar) ?? (isAdded.delete(exemplar) ? 1 : 0));
}
