import { describe, expect, test } from 'vitest';
import { calibrate, LIKELY } from './calibrate.js';
import type { HeldOut } from './out-of-fold.js';
import { predictions } from './predictions.js';
import { provisionalMap } from './provisional-map.js';

const noise = (n: number) => Math.abs((Math.sin(n * 78.233) * 43758.5453) % 1);

/** The head is right as often as softmax(scale * z) says; the neighbours are right with `vote`. */
function rows(count: number, scale: number, vote: number): HeldOut[] {
  return Array.from({ length: count }, (_, n) => {
    const logits = Float32Array.of(2 * noise(n), 2 * noise(n + 0.3));
    const first = 1 / (1 + Math.exp(-scale * ((logits[0] ?? 0) - (logits[1] ?? 0))));
    const label = noise(n + 0.6) < first ? 0 : 1;
    const voted = noise(n + 0.9) < vote ? label : 1 - label;
    return {
      row: n,
      label,
      logits,
      voters: { classes: [voted], similarities: [0.5] },
      neighbours: Int32Array.of(0),
      mates: { rows: new Int32Array(), similarities: new Float32Array() },
      centroidLogits: Float32Array.from(logits, (z) => z / 2 - 1),
    };
  });
}

describe('the blend', () => {
  test.each([0.5, 1.5, 4])('finds a scale of %d', (scale) => {
    // Neighbours that are right half of the time are worth nothing.
    const found = calibrate(rows(4000, scale, 0.5), 2);
    expect(found.lambda).toBe(0);
    expect(Math.abs(Math.log(found.scale / scale))).toBeLessThan(0.15);
  });

  test('trusts neighbours that know more than the head', () => {
    expect(calibrate(rows(4000, 0.2, 0.98), 2).lambda).toBe(0.5);
  });

  test('is what is likely where there is nothing to go by', () => {
    const { scale, lambda } = calibrate([], 2);
    expect(lambda).toBe(LIKELY.lambda);
    expect(Math.abs(Math.log(scale / LIKELY.scale))).toBeLessThan(0.05);
    expect(Math.abs(calibrate(rows(3, 4, 0.5), 2).lambda - LIKELY.lambda)).toBeLessThan(0.21);
  });
});

test('a prediction is the best class of the blend', () => {
  const [row] = rows(1, 1, 1);
  const [found] = predictions(row ? [row] : [], { scale: 1, lambda: 1 }, 2);
  expect(found?.predicted).toBe(row?.label);
  expect(found?.confidence).toBeCloseTo(0.99, 12);
  expect(found?.ownShare).toBe(found?.confidence);
  const best = Math.max(...(row?.logits ?? []));
  expect(found?.closeness).toBeCloseTo(best + 10 * 0.5, 5);
});

test('logits of centroids are mapped onto those of the head', () => {
  const { slope, offset } = provisionalMap(rows(200, 4, 0.5));
  expect(slope).toBeCloseTo(2, 4);
  expect(offset).toBeCloseTo(2, 4);
  expect(provisionalMap([])).toEqual({ slope: 1, offset: 0 });
});
