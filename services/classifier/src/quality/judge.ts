import type { CalibrationBin, ConfusedPair, IntentQuality, Judgement } from '@switchyard/contracts';

import { groupBy } from './group-by.js';

const BINS = 15;
const MAX_PAIRS = 20;
const MAX_EXAMPLES = 5;

/** The best guess for a prompt whose intent is known. */
export interface Judged {
  id?: string;
  text: string;
  intent: string;
  /** null when there is nothing to guess from. */
  predicted: string | null;
  confidence: number;
}

/** Accuracy, calibration, precision and recall, and what is taken for what. */
export function judge(judged: readonly Judged[]): Judgement {
  const calibration = calibrationBins(judged);
  const right = judged.filter(isRight).length;
  return {
    evaluated: judged.length,
    accuracy: share(right, judged.length),
    calibrationError: expectedCalibrationError(calibration),
    calibration,
    intents: intentQualities(judged),
    confusedPairs: confusedPairs(judged),
  };
}

export const share = (part: number, whole: number) => (whole === 0 ? null : part / whole);

const isRight = ({ intent, predicted }: Judged) => intent === predicted;

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Guo et al., 2017; bins of equal width, empty ones left out. */
function calibrationBins(judged: readonly Judged[]): CalibrationBin[] {
  const bins = Array.from({ length: BINS }, (): Judged[] => []);
  for (const one of judged) bins[Math.min(BINS - 1, Math.floor(one.confidence * BINS))]?.push(one);
  return bins.flatMap((members, i) => {
    if (members.length === 0) return [];
    return {
      from: i / BINS,
      to: (i + 1) / BINS,
      count: members.length,
      confidence: mean(members.map(({ confidence }) => confidence)),
      accuracy: members.filter(isRight).length / members.length,
    };
  });
}

/** ECE = sum over bins of count / n * |confidence - accuracy|. */
function expectedCalibrationError(bins: readonly CalibrationBin[]): number | null {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const gaps = bins.map(
    ({ count, confidence, accuracy }) => count * Math.abs(confidence - accuracy),
  );
  return share(
    gaps.reduce((sum, gap) => sum + gap, 0),
    total,
  );
}

function intentQualities(judged: readonly Judged[]): IntentQuality[] {
  const counts = new Map<string, { support: number; predicted: number; right: number }>();
  const of = (intent: string) => {
    const known = counts.get(intent) ?? { support: 0, predicted: 0, right: 0 };
    counts.set(intent, known);
    return known;
  };
  for (const one of judged) {
    of(one.intent).support++;
    if (one.predicted !== null) of(one.predicted).predicted++;
    if (isRight(one)) of(one.intent).right++;
  }
  return [...counts]
    .map(([intent, { support, predicted, right }]) => ({
      intent,
      support,
      precision: share(right, predicted),
      recall: share(right, support),
      f1: share(2 * right, support + predicted),
    }))
    .sort(byName);
}

function confusedPairs(judged: readonly Judged[]): ConfusedPair[] {
  const pairs = groupBy(
    judged.filter((one) => one.predicted !== null && !isRight(one)),
    ({ intent, predicted }) => `${intent}\n${predicted}`,
  );
  return [...pairs.values()]
    .sort((a, b) => b.length - a.length || byName(a[0] as Judged, b[0] as Judged))
    .slice(0, MAX_PAIRS)
    .map((members) => ({
      intent: members[0]?.intent ?? '',
      predicted: members[0]?.predicted ?? '',
      count: members.length,
      examples: members
        .sort((a, b) => b.confidence - a.confidence)
        .slice(0, MAX_EXAMPLES)
        .map(({ id, text, confidence }) => ({ ...(id !== undefined && { id }), text, confidence })),
    }));
}

const byName = (a: { intent: string }, b: { intent: string }) => (a.intent < b.intent ? -1 : 1);
