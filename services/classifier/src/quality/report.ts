import type { QualityReport } from '@switchyard/contracts';
import type { Blend } from '../classification/blend.js';
import { type ScopeScale, scopeScore } from '../classification/scope-scale.js';
import type { HeldOut } from '../classification/training/out-of-fold.js';
import type { Prediction } from '../classification/training/predictions.js';
import type { StoredExemplar } from '../exemplars/exemplar.js';
import { changesSince } from './changes-since.js';
import { judge } from './judge.js';

/** With fewer judged exemplars the documented defaults weigh more than what was found. */
const FEW_JUDGED = 50;
/** With fewer exemplars of an intent each is worth more than 20 points of recall. */
const FEW_OF_INTENT = 5;
/** An exemplar is called mislabelled when the others are this sure of another intent... */
const SURE = 0.8;
/** ...and believe this little in its own. */
const UNLIKELY = 0.05;
/** Cosine from which two texts say the same. */
const SAME = 0.95;
/** Scope score, within its own intent, below which an exemplar is called an outlier. */
const FAR = 0.01;
const MAX_SUSPECTS = 50;
const MAX_SCOPE_SCORES = 200;

export interface ReportInput {
  trainedOn: number;
  /** In the order of the rows. */
  exemplars: readonly StoredExemplar[];
  /** Intents in the order of the labels. */
  names: readonly string[];
  heldOut: readonly HeldOut[];
  predictions: readonly Prediction[];
  folds: number;
  blend: Blend;
  scope: ScopeScale;
  before: QualityReport | undefined;
}

/** What the exemplars say of each other. */
export function qualityReport(input: ReportInput): QualityReport {
  const { trainedOn, exemplars, names, predictions, folds, blend } = input;
  const sizes = sizesOf(exemplars);
  const nameOf = (label: number) => names[label] as string;
  const judged = predictions.map(({ row, label, predicted, confidence }) => {
    const { id, text } = exemplars[row] as StoredExemplar;
    return { id, text, intent: nameOf(label), predicted: nameOf(predicted), confidence };
  });
  const report: Omit<QualityReport, 'since'> = {
    ...judge(judged),
    trainedOn,
    exemplars: exemplars.length,
    method: {
      folds,
      lambda: blend.lambda,
      scale: blend.scale,
      caution:
        predictions.length < FEW_JUDGED
          ? `only ${predictions.length} exemplars could be judged by the others; with fewer than ${FEW_JUDGED} the figures are rough and defaults weigh in: add exemplars`
          : null,
    },
    suspicious: suspicious(input),
    tooSmall: tooSmall(sizes),
    sizes: Object.fromEntries(sizes),
    scopeScores: spread(
      predictions
        .map(({ predicted, closeness }) => ({
          intent: nameOf(predicted),
          score: scopeScore(input.scope, closeness),
        }))
        .sort((a, b) => a.score - b.score),
      MAX_SCOPE_SCORES,
    ),
  };
  return { ...report, since: input.before ? changesSince(input.before, report) : null };
}

function suspicious(input: ReportInput): QualityReport['suspicious'] {
  const { exemplars, names, predictions, scope, heldOut } = input;
  const suspect = (row: number) => {
    const { id, intent, text } = exemplars[row] as StoredExemplar;
    return { id, intent, text };
  };
  const isMislabelled = ({ label, predicted, confidence, ownShare }: Prediction) =>
    predicted !== label && confidence >= SURE && ownShare <= UNLIKELY;
  return {
    mislabelled: predictions
      .filter(isMislabelled)
      .sort((a, b) => b.confidence - a.confidence)
      .slice(0, MAX_SUSPECTS)
      .map(({ row, predicted, confidence }) => ({
        ...suspect(row),
        predicted: names[predicted] as string,
        confidence,
      })),
    nearDuplicates: nearDuplicates(heldOut, exemplars).map(({ similarity, rows }) => ({
      similarity,
      exemplars: rows.map(suspect),
    })),
    outliers: predictions
      .filter((one) => !isMislabelled(one))
      .map(({ row, ownCloseness }) => ({ row, scopeScore: scopeScore(scope, ownCloseness) }))
      .filter((one) => one.scopeScore < FAR)
      .sort((a, b) => a.scopeScore - b.scopeScore)
      .slice(0, MAX_SUSPECTS)
      .map(({ row, scopeScore }) => ({ ...suspect(row), scopeScore })),
  };
}

function nearDuplicates(heldOut: readonly HeldOut[], exemplars: readonly StoredExemplar[]) {
  const pairs = new Map<string, { similarity: number; rows: [number, number] }>();
  const note = (row: number, other: number, similarity: number) => {
    if (similarity < SAME || exemplars[row]?.intent === exemplars[other]?.intent) return;
    const rows: [number, number] = row < other ? [row, other] : [other, row];
    pairs.set(rows.join(), { similarity: Math.min(1, similarity), rows });
  };
  for (const { row, neighbours, voters, mates } of heldOut) {
    for (const [i, other] of neighbours.entries())
      note(row, other, voters.similarities[i] as number);
    for (const [i, other] of mates.rows.entries())
      note(row, other, mates.similarities[i] as number);
  }
  return [...pairs.values()].sort((a, b) => b.similarity - a.similarity).slice(0, MAX_SUSPECTS);
}

function sizesOf(exemplars: readonly StoredExemplar[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { intent } of exemplars) sizes.set(intent, (sizes.get(intent) ?? 0) + 1);
  return sizes;
}

function tooSmall(sizes: ReadonlyMap<string, number>): QualityReport['tooSmall'] {
  return [...sizes]
    .filter(([, size]) => size < FEW_OF_INTENT)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([intent, size]) => ({
      intent,
      exemplars: size,
      reason:
        size === 1
          ? 'one exemplar cannot be judged by others of its intent'
          : `with ${size} exemplars each one moves its recall by ${Math.round(100 / size)} points`,
    }));
}

/** At most `most` of them, evenly spread. */
function spread<T>(sorted: readonly T[], most: number): T[] {
  if (sorted.length <= most) return [...sorted];
  const at = (share: number) => sorted[Math.floor(share * sorted.length)] as T;
  return Array.from({ length: most }, (_, i) => at((i + 0.5) / most));
}
