import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SlidingWindow } from './sliding-window.js';

test('counts all of the last nine tenths of the window and nothing older than it', () => {
  const step = fc.record({ ms: fc.integer({ min: 0, max: 400 }), marked: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: -5000, max: 5000 }),
      (steps, start) => {
        let now = start;
        const window = new SlidingWindow(1000, () => now);
        const events: { at: number; marked: boolean }[] = [];
        for (const { ms, marked } of steps) {
          now += ms;
          window.add(1, marked ? 1 : 0);
          events.push({ at: now, marked });
          const since = (age: number) => events.filter(({ at }) => at > now - age);
          const { total, marked: count } = window.sums;
          expect(total).toBeGreaterThanOrEqual(since(900).length);
          expect(total).toBeLessThanOrEqual(since(1000).length);
          expect(count).toBeGreaterThanOrEqual(since(900).filter((one) => one.marked).length);
          expect(count).toBeLessThanOrEqual(since(1000).filter((one) => one.marked).length);
        }
        window.clear();
        expect(window.sums).toEqual({ total: 0, marked: 0 });
      },
    ),
  );
});
