import { describe, expect, test } from 'vitest';
import { PeakEwma } from './peak-ewma.js';

function ewmaAt() {
  const clock = { now: 5000 };
  return { clock, ewma: new PeakEwma(() => clock.now) };
}

test('nothing is known before the first sample', () => {
  expect(ewmaAt().ewma.estimateMs).toBeUndefined();
});

test('a peak counts at once, what is below it by its age', () => {
  const { clock, ewma } = ewmaAt();
  ewma.answered(100);
  expect(ewma.estimateMs).toBe(100);
  ewma.answered(400);
  expect(ewma.estimateMs).toBe(400);
  clock.now += 10_000;
  ewma.answered(50);
  // 400 / e + 50 (1 - 1 / e)
  expect(ewma.estimateMs).toBeCloseTo(400 / Math.E + 50 * (1 - 1 / Math.E), 6);
});

test('decays to 1/e in ten seconds', () => {
  const { clock, ewma } = ewmaAt();
  ewma.answered(100);
  clock.now += 10_000;
  expect(ewma.estimateMs).toBeCloseTo(100 / Math.E, 9);
  clock.now += 1e9;
  expect(ewma.estimateMs).toBeCloseTo(0, 9);
});

test('a wait that was given up raises the estimate, and never lowers it', () => {
  const { ewma } = ewmaAt();
  ewma.answered(100);
  ewma.waited(70);
  expect(ewma.estimateMs).toBe(100);
  ewma.waited(300);
  expect(ewma.estimateMs).toBe(300);
});

describe('a failure', () => {
  test.each<[string, number | undefined, number, number, number]>([
    ['is slow when nothing is known', undefined, 1, 0, 1000],
    ['counts as twice the slowest other', 20, 1, 5000, 10_000],
    ['counts as twice its own estimate', 3000, 1, 100, 6000],
    ['is as slow as it was', 20, 120_000, 100, 120_000],
    ['doubles no further than a minute', 50_000, 1, 100, 60_000],
  ])('%s', (_what, before, elapsedMs, slowestOtherMs, after) => {
    const { ewma } = ewmaAt();
    if (before !== undefined) ewma.answered(before);
    ewma.failed(elapsedMs, slowestOtherMs);
    expect(ewma.estimateMs).toBe(after);
  });
});

test('a backend that fails fast half of the time never looks quicker than one that is well', () => {
  const { clock, ewma } = ewmaAt();
  const well = new PeakEwma(() => clock.now);
  for (let i = 0; i < 1000; i++) {
    clock.now += 20;
    well.answered(80);
    if (i % 2 === 0) ewma.failed(1, well.estimateMs ?? 0);
    else ewma.answered(80);
    expect(ewma.estimateMs ?? 0).toBeGreaterThan(80);
  }
});
