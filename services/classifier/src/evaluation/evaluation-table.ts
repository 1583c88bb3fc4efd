import type { Evaluation, Job, QualityAnswer } from '@switchyard/contracts';
import type { SplitOptions } from './split.js';

const MAX_PAIRS = 10;

export interface EvaluationResult extends Evaluation {
  /** How the exemplars were chosen. */
  chosen: SplitOptions;
  job: Job;
  trainedMs: number;
  quality: QualityAnswer;
}

type Row = [name: string, value: string];

const chosen = ({ shots, seed }: SplitOptions) =>
  seed === undefined ? `the first ${shots} in the file` : `${shots} drawn with seed ${seed}`;

const percent = (share: number | null) => (share === null ? '-' : `${(100 * share).toFixed(2)} %`);

/** The figures of an evaluation for people to read. */
export function evaluationTable(result: EvaluationResult): string {
  const { job, quality, scope } = result;
  const rows: Row[] = [
    [
      'exemplars',
      `${job.added} of ${quality.intents.length} intents (${job.rejected} lines refused, ${job.duplicates} twice)`,
    ],
    ...(result.chosen.shots === undefined
      ? []
      : [['of each intent', chosen(result.chosen)] as Row]),
    ['embedded and trained in', `${(result.trainedMs / 1000).toFixed(1)} s`],
    ['test prompts', `${scope.inScope} in scope, ${scope.outOfScope} out of scope`],
    ...(result.unknownIntents.length > 0
      ? [['without exemplars', result.unknownIntents.join(', ')] as Row]
      : []),
    [
      'accuracy',
      `${percent(result.accuracy)}   (expected from the exemplars alone: ${percent(quality.accuracy)})`,
    ],
    ['ECE (calibration error)', percent(result.calibrationError)],
    ['in scope: accepted and right', percent(scope.acceptedAccuracy)],
    [
      'in scope: rejected',
      `${percent(scope.rejected)}   (expected: ${percent(quality.expectedRejections)})`,
    ],
    ['OOS recall (out of scope)', percent(scope.recall)],
    ['AUROC (in or out of scope)', percent(scope.auroc)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const pairs = result.confusedPairs
    .slice(0, MAX_PAIRS)
    .map(({ intent, predicted, count, examples }) => {
      return `  ${String(count).padStart(4)}  ${intent} taken for ${predicted}, such as "${examples[0]?.text}"`;
    });
  return [
    ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    ...(pairs.length > 0 ? ['', 'most confused:', ...pairs] : []),
    '',
  ].join('\n');
}
