import type { QualityReport } from '@switchyard/contracts';
import type { StoredExemplar } from '../../exemplars/exemplar.js';
import { qualityReport } from '../../quality/report.js';
import { HEAD_FORMAT, type Head } from '../head.js';
import { gramsOf } from '../lexical.js';
import { scopeScale } from '../scope-scale.js';
import { type About, aboutDigest, aboutRows } from './about.js';
import { calibrate } from './calibrate.js';
import { fitHead } from './fit-head.js';
import { foldCount } from './folds.js';
import { classSizes, type LabelledRows } from './labelled-rows.js';
import { outOfFold, type TrainingSessions } from './out-of-fold.js';
import { predictions } from './predictions.js';
import { provisionalMap } from './provisional-map.js';

export interface TrainingTask {
  modelDigest: string;
  dimensions: number;
  /** Of the exemplars. */
  version: number;
  exemplars: readonly StoredExemplar[];
  /** By intent; those without exemplars are left out of the head. */
  about: ReadonlyMap<string, About>;
  /** The report of the head before, to say what changed. */
  before: QualityReport | undefined;
}

/**
 * Fits the head on all exemplars, and learns from predictions of exemplars by heads that did not
 * see them how far to trust it: the blend with the neighbours, what closeness is usual, and the
 * quality report. The same exemplars, in any order, give the same head on the same kind of machine.
 */
export async function trainHead(sessions: TrainingSessions, task: TrainingTask): Promise<Head> {
  const exemplars = [...task.exemplars].sort((a, b) => (a.id < b.id ? -1 : 1));
  const names = [...new Set(exemplars.map(({ intent }) => intent))].sort();
  const rows = toRows(exemplars, names, task.dimensions);
  const about = aboutRows(names, task.about, task.dimensions);
  const learn = (some: LabelledRows) => fitHead(sessions.objective, some, about);

  const heldOut = await outOfFold(sessions, rows, learn);
  const blend = calibrate(heldOut, names.length);
  const predicted = predictions(heldOut, blend, names.length);
  const right = predicted.filter((one) => one.label === one.predicted);
  const scope = scopeScale(right.map(({ closeness }) => closeness));
  const { weights, features, sums } = await learn(rows);
  const sizes = classSizes(rows);
  return {
    format: HEAD_FORMAT,
    modelDigest: task.modelDigest,
    trainedOn: task.version,
    intents: names.map((name, label) => ({
      name,
      exemplars: sizes[label] as number,
      about: aboutDigest(task.about.get(name)?.text ?? ''),
    })),
    dimensions: task.dimensions,
    parameters: weights.parameters,
    words: features.compact(),
    sums,
    blend,
    scope,
    provisional: provisionalMap(heldOut),
    report: qualityReport({
      trainedOn: task.version,
      exemplars,
      names,
      heldOut,
      predictions: predicted,
      folds: foldCount(rows),
      blend,
      scope,
      before: task.before,
    }),
  };
}

function toRows(
  exemplars: readonly StoredExemplar[],
  names: readonly string[],
  dimensions: number,
): LabelledRows {
  const labels = new Map(names.map((name, label) => [name, label]));
  const vectors = new Float32Array(exemplars.length * dimensions);
  for (const [row, { vector }] of exemplars.entries()) vectors.set(vector, row * dimensions);
  return {
    count: exemplars.length,
    dimensions,
    classes: names.length,
    vectors,
    grams: exemplars.map(({ text }) => gramsOf(text)),
    labels: Int32Array.from(exemplars, ({ intent }) => labels.get(intent) ?? 0),
  };
}
