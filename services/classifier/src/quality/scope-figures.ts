import type { Evaluation } from '@switchyard/contracts';
import { share } from './judge.js';

/** What the rejection of foreign prompts did to one prompt. */
export interface ScopeOutcome {
  /** Whether it is meant for any intent. */
  belongs: boolean;
  /** Whether its best guess is right; false for one that belongs nowhere. */
  right: boolean;
  accepted: boolean;
  scopeScore: number;
}

export function scopeFigures(outcomes: readonly ScopeOutcome[]): Evaluation['scope'] {
  const inScope = outcomes.filter(({ belongs }) => belongs);
  const foreign = outcomes.filter(({ belongs }) => !belongs);
  const rejectedOf = (some: readonly ScopeOutcome[]) =>
    some.filter(({ accepted }) => !accepted).length;
  // Accepted ones first: the same order, but where an intent has a threshold of its own.
  const scores = (some: readonly ScopeOutcome[]) =>
    some.map(({ accepted, scopeScore }) => scopeScore + (accepted ? 1 : 0));
  const acceptedRight = inScope.filter(({ right, accepted }) => right && accepted).length;
  return {
    inScope: inScope.length,
    outOfScope: foreign.length,
    acceptedAccuracy: share(acceptedRight, inScope.length),
    rejected: share(rejectedOf(inScope), inScope.length),
    recall: share(rejectedOf(foreign), foreign.length),
    precision: share(rejectedOf(foreign), rejectedOf(outcomes)),
    auroc: auroc(scores(inScope), scores(foreign)),
  };
}

/**
 * Area under the ROC curve as the Mann-Whitney U statistic: the probability that one of `higher` is
 * above one of `lower`, equal ones counting half. null when either is empty.
 */
export function auroc(higher: readonly number[], lower: readonly number[]): number | null {
  if (higher.length === 0 || lower.length === 0) return null;
  const all = [
    ...higher.map((score) => ({ score, high: 1 })),
    ...lower.map((score) => ({ score, high: 0 })),
  ].sort((a, b) => a.score - b.score);
  let ranks = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.score === all[from]?.score) to++;
    const middle = (from + 1 + to) / 2;
    for (let i = from; i < to; i++) ranks += (all[i]?.high ?? 0) * middle;
    from = to;
  }
  return (ranks - (higher.length * (higher.length + 1)) / 2) / (higher.length * lower.length);
}
