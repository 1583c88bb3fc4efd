import { classSizes, type LabelledRows } from './labelled-rows.js';

/** Few folds are enough where there are many rows. */
const FOLDS = 5;
const FOLDS_OF_MANY = 2;
const MANY_ROWS = 5000;
/** Rows that are held out at most; more would only take longer. */
const MAX_HELD_OUT = 20_000;

export interface Fold {
  /** Rows to predict. */
  heldOut: number[];
  /** Rows to train on. */
  training: number[];
}

export const foldCount = ({ count }: LabelledRows) => (count > MANY_ROWS ? FOLDS_OF_MANY : FOLDS);

/**
 * Stratified folds: the j-th row of a class is held out in fold j mod FOLDS. Rows stand in the
 * order of their ids, which are digests, so that this is as good as drawing at random. A class of
 * one row is never held out: nothing would be left to know it by. Of many rows every m-th is.
 */
export function stratifiedFolds(rows: LabelledRows): Fold[] {
  const count = foldCount(rows);
  const stride = Math.ceil(rows.count / MAX_HELD_OUT);
  const sizes = classSizes(rows);
  const seen = new Uint32Array(rows.classes);
  const folds: Fold[] = Array.from({ length: count }, () => ({ heldOut: [], training: [] }));
  for (let row = 0; row < rows.count; row++) {
    const label = rows.labels[row] as number;
    const position = seen[label] as number;
    seen[label] = position + 1;
    // Classes start at different folds, so that classes of few rows do not all meet in the first.
    const own = sizes[label] === 1 ? -1 : (position + label) % count;
    for (const [number, fold] of folds.entries()) {
      if (number !== own) fold.training.push(row);
      else if (Math.floor(position / count) % stride === 0) fold.heldOut.push(row);
    }
  }
  return folds.filter(({ heldOut }) => heldOut.length > 0);
}
