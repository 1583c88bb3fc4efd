import { describe, expect, test } from 'vitest';
import { fleetOf } from '../test-support/test-router.js';
import { BackendRegistry } from './backend-registry.js';
import { OutlierEjection } from './outlier-ejection.js';

const settings = {
  failures: 1000,
  errorRate: 0.5,
  minRequests: 10,
  windowMs: 10_000,
  baseMs: 1000,
  maxMs: 4000,
};

function ejectionAt(given: Partial<typeof settings> = {}, sparable = () => true) {
  const clock = { now: 7_000_000 };
  const ejection = new OutlierEjection(
    { ...settings, ...given },
    { now: () => clock.now, sparable },
  );
  /** `!` is a failure, anything else a success. */
  const see = (requests: string) =>
    [...requests].map((what) => {
      ejection.asked();
      if (what === '!') return ejection.failed(true);
      ejection.succeeded();
      return undefined;
    });
  return { clock, ejection, see };
}

describe('by error rate', () => {
  test.each<[string, string, boolean]>([
    ['half of enough requests', '.!.!.!.!.!', true],
    ['fewer than half', '.!.!.!.!..!', false],
    ['too few requests to tell', '!.!.!.!!!', false],
    ['all of enough requests', '!!!!!!!!!!', true],
  ])('%s: "%s"', (_what, requests, ejected) => {
    const { ejection, see } = ejectionAt();
    expect(see(requests).at(-1)).toBe(ejected ? 'errorRate' : undefined);
    expect(ejection.leftMs).toBe(ejected ? 1000 : 0);
    expect(ejection.counts).toEqual({ consecutive: 0, errorRate: ejected ? 1 : 0 });
  });

  test('what is older than the window does not count', () => {
    const { clock, ejection, see } = ejectionAt();
    see('!!!!!!!!!');
    clock.now += 10_001;
    expect(ejection.recent).toEqual({ requests: 0, failures: 0 });
    see('....!!!!!');
    expect(ejection.leftMs).toBe(0);
  });

  test('requests of before do not eject it again when it is back', () => {
    const { clock, ejection, see } = ejectionAt();
    see('.!.!.!.!.!');
    clock.now += 1000;
    see('!.!.!.!');
    expect(ejection.leftMs).toBe(0);
    see('.!.');
    expect(see('!').at(-1)).toBe('errorRate');
    expect(ejection.leftMs).toBe(2000);
  });

  test('not when the pool cannot spare it, while failures in a row eject it all the same', () => {
    const { ejection, see } = ejectionAt({ failures: 5 }, () => false);
    see('.!.!.!.!.!.!.!');
    expect(ejection.leftMs).toBe(0);
    expect(see('!!!!').at(-1)).toBe('consecutive');
  });
});

test('not one that is out already', () => {
  const { ejection } = ejectionAt();
  for (let i = 0; i < 20; i++) {
    ejection.asked();
    expect(ejection.failed(false)).toBeUndefined();
  }
});

describe('error rate never takes more than half of a pool', () => {
  const poolOf = (size: number) => {
    const backends = Array.from({ length: size }, (_, i) => `{ name: b${i}, url: "http://h" }`);
    const fleet = fleetOf(
      `pools: { p: { backends: [${backends.join()}] } }\ndefault: p\nejection: { failures: 1000 }\n`,
    );
    return new BackendRegistry(fleet).pool('p');
  };
  /** Every other request fails, on every backend in turn. */
  const failEverywhere = (pool: ReturnType<typeof poolOf>) => {
    for (let i = 0; i < 200; i++)
      for (const { health } of pool.backends) {
        health.asked();
        if (i % 2 === 0) health.failed();
        else health.succeeded();
      }
    return pool.serving(undefined).filter(({ health }) => health.state === 'ejected').length;
  };

  test.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [7, 3],
  ])('of %i it takes %i', (size, taken) => {
    expect(failEverywhere(poolOf(size))).toBe(taken);
  });

  test('those that are dead, or drained, are not there to be spared', () => {
    const pool = poolOf(6);
    const [first, second] = pool.backends;
    first?.health.unreachable();
    if (second) second.admin = { state: 'draining' };
    // Five are active, one of them dead: half of them is two and a half.
    expect(failEverywhere(pool)).toBe(1);
  });
});
