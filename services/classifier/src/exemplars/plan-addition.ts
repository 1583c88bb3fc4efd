import type { OnConflict } from '@switchyard/contracts';
import type { Exemplar } from './exemplar.js';
import type { AddOutcome } from './exemplar-store.js';

/**
 * Sorts what somebody wants to add into new, known and contested. Within one request the first
 * intent that names a text wins, also where the text was stored under it before, so that a request
 * that is repeated comes to the same end.
 */
export function planAddition(
  exemplars: readonly Exemplar[],
  onConflict: OnConflict,
  storedUnder: (id: string) => string | undefined,
): AddOutcome {
  const outcome: AddOutcome = { added: [], duplicates: [], conflicts: [] };
  const named = new Map<string, string>();
  for (const exemplar of exemplars) {
    const { id, intent } = exemplar;
    const heldBy = named.get(id) ?? storedUnder(id);
    const mayMove = onConflict === 'move' && !named.has(id);
    if (heldBy === intent) outcome.duplicates.push(exemplar);
    else if (heldBy !== undefined && !mayMove) {
      outcome.conflicts.push({ exemplar, heldBy });
      continue;
    } else outcome.added.push(exemplar);
    named.set(id, intent);
  }
  return outcome;
}
