import type { QualityReport } from '@switchyard/contracts';

type Since = NonNullable<QualityReport['since']>;

const MAX_INTENTS = 50;

const difference = (now: number | null, before: number | null) =>
  now === null || before === null ? null : now - before;

/** What the additions and removals between two reports did. */
export function changesSince(before: QualityReport, now: Omit<QualityReport, 'since'>): Since {
  const { trainedOn, accuracy, calibrationError } = before;
  return {
    trainedOn,
    exemplars: before.exemplars,
    accuracy,
    calibrationError,
    change: {
      exemplars: now.exemplars - before.exemplars,
      accuracy: difference(now.accuracy, accuracy),
      calibrationError: difference(now.calibrationError, calibrationError),
    },
    intents: intentChanges(before, now),
  };
}

function intentChanges(before: QualityReport, now: Omit<QualityReport, 'since'>): Since['intents'] {
  const then = new Map(before.intents.map((one) => [one.intent, one]));
  const today = new Map(now.intents.map((one) => [one.intent, one]));
  // An intent may be called "constructor".
  const sizesThen = new Map(Object.entries(before.sizes));
  const sizesNow = new Map(Object.entries(now.sizes));
  return [...new Set([...sizesThen.keys(), ...sizesNow.keys()])]
    .map((intent) => {
      const [old, current] = [then.get(intent), today.get(intent)];
      return {
        intent,
        exemplars: { before: sizesThen.get(intent) ?? 0, now: sizesNow.get(intent) ?? 0 },
        recall: { before: old?.recall ?? null, now: current?.recall ?? null },
        precision: { before: old?.precision ?? null, now: current?.precision ?? null },
      };
    })
    .map((change) => ({ change, size: sizeOf(change) }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.size - a.size || (a.change.intent < b.change.intent ? -1 : 1))
    .slice(0, MAX_INTENTS)
    .map(({ change }) => change);
}

/** New and gone intents first. */
function sizeOf({ exemplars, recall, precision }: Since['intents'][number]): number {
  if (exemplars.before === 0 || exemplars.now === 0) return 2;
  const moved = (one: { before: number | null; now: number | null }) =>
    Math.abs(difference(one.now, one.before) ?? 0);
  return Math.max(moved(recall), moved(precision), exemplars.before === exemplars.now ? 0 : 1e-6);
}
