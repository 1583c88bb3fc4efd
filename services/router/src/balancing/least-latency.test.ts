import { describe, expect, test } from 'vitest';
import { chooseSlot } from '../connections/choose-slot.js';
import { asking, weighing } from '../test-support/candidates.js';
import { leastLatency } from './least-latency.js';

type Row = { ms?: number; busy?: number; weight?: number };

/** Which backend the ledger takes, given latency, requests in flight and weight of a, b, c. */
function chosen(rows: readonly Row[], random = 0.999): string | undefined {
  const candidates = weighing(...rows.map(({ weight = 1 }) => weight)).map((one, i) => ({
    ...one,
    latencyMs: rows[i]?.ms,
  }));
  const inFlight = (id: string) => rows['abc'.indexOf(id)]?.busy ?? 0;
  return chooseSlot(leastLatency(candidates, asking({ inFlight })), inFlight, () => random)?.id;
}

describe('latency x (in flight + 1) / weight', () => {
  test.each<[string, Row[], string]>([
    ['the quicker when both are idle', [{ ms: 20 }, { ms: 10 }], 'b'],
    ['the slower when the quicker has a longer line', [{ ms: 20 }, { ms: 10, busy: 2 }], 'a'],
    ['the quicker still when its line is short', [{ ms: 31 }, { ms: 10, busy: 2 }], 'b'],
    ['weight counts for it', [{ ms: 20, weight: 3 }, { ms: 10 }], 'a'],
    ['a huge estimate is finite', [{ ms: 1e9 }, { ms: 1e8 }], 'b'],
    [
      'estimates that decayed to nothing leave it to the lines',
      [{ ms: 0, busy: 1 }, { ms: 0 }],
      'b',
    ],
  ])('%s', (_what, rows, id) => {
    expect(chosen(rows)).toBe(id);
  });
});

describe('one of which nothing is known', () => {
  test.each<[string, Row[], string]>([
    ['is tried while the others are busy', [{ ms: 10, busy: 1 }, {}], 'b'],
    ['is tried however slow one of the others is', [{ ms: 10, busy: 1 }, { ms: 60_000 }, {}], 'c'],
    [
      'is not asked again while somebody waits for it',
      [{ ms: 10, busy: 3 }, { ms: 900 }, { busy: 1 }],
      'a',
    ],
    ['does not come before the quickest when all are idle', [{ ms: 10 }, {}], 'a'],
  ])('%s', (_what, rows, id) => {
    expect(chosen(rows)).toBe(id);
  });

  test('when nothing is known of anyone the lines decide', () => {
    expect(chosen([{ busy: 2 }, { busy: 1 }, { busy: 3 }])).toBe('b');
  });
});
