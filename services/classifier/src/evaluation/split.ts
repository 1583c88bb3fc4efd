import { groupBy } from '../quality/group-by.js';
import type { Dataset, Labelled } from './dataset.js';

export interface SplitOptions {
  /** Exemplars of each intent; undefined: all there are. */
  shots: number | undefined;
  /** Draws them at random, always the same ones for a seed; undefined: the first in the file. */
  seed: number | undefined;
}

export interface Split {
  train: (Labelled & { intent: string })[];
  test: Labelled[];
}

/** Every fifth prompt of an intent is for testing where the file does not say. */
const TEST_EVERY = 5;

const isInScope = (one: Labelled): one is Labelled & { intent: string } => one.intent !== null;

/** Out-of-scope prompts are never trained on. */
export function split({ train, test }: Dataset, { shots, seed }: SplitOptions): Split {
  const chosen = new Set<Labelled>();
  const forTesting = new Set<Labelled>();
  for (const members of groupBy(train.filter(isInScope), ({ intent }) => intent).values()) {
    const order = seed === undefined ? members : shuffled(members, seed);
    for (const [position, one] of order.entries()) {
      const isTest = !test && shots === undefined && position % TEST_EVERY === TEST_EVERY - 1;
      if (!isTest && position < (shots ?? Number.POSITIVE_INFINITY)) chosen.add(one);
      else forTesting.add(one);
    }
  }
  return {
    train: train.filter(isInScope).filter((one) => chosen.has(one)),
    test: test ?? train.filter((one) => forTesting.has(one) || !isInScope(one)),
  };
}

/** Fisher-Yates, with numbers of mulberry32. */
function shuffled<T>(values: readonly T[], seed: number): T[] {
  const result = [...values];
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j] as T, result[i] as T];
  }
  return result;
}
