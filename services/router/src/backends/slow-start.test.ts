import { describe, expect, test } from 'vitest';
import { BackendHealth } from './backend-health.js';

const ejection = {
  failures: 3,
  errorRate: 0.5,
  minRequests: 10,
  windowMs: 10_000,
  baseMs: 1000,
  maxMs: 4000,
};

/** A health whose clock stands still unless told. */
function healthAt() {
  const clock = { now: 1_000_000 };
  const settings = { ejection, slowStart: { ms: 10_000 }, retryAfter: { maxMs: 60_000 } };
  const health = new BackendHealth(settings, { now: () => clock.now });
  const fail = () => Array.from({ length: ejection.failures }, () => health.failed());
  return { clock, health, fail };
}

type Health = ReturnType<typeof healthAt>;

describe('share of the weight', () => {
  /** At 0, 0.5, 1, 2, ... seconds after now. */
  const sharesAfter = ({ health, clock }: Health) =>
    [0, 500, 500, 1000, 1950, 1050, 4999, 1, 1e9].map((ms) => {
      clock.now += ms;
      return health.weightShare;
    });
  const rising = [0.1, 0.1, 0.1, 0.2, 0.3, 0.5, 0.9, 1, 1];

  test('is whole for one that was always there', () => {
    const the = healthAt();
    the.health.probeAnswered();
    the.health.succeeded();
    expect(new Set(sharesAfter(the))).toEqual(new Set([1]));
  });

  test.each<[string, (the: Health) => void]>([
    [
      'from the dead',
      ({ health }) => {
        health.unreachable();
        health.probeAnswered();
      },
    ],
    [
      'from silence, by a probe',
      ({ health }) => {
        health.probeLost(false);
        health.probeLost(false);
        health.probeAnswered();
      },
    ],
    [
      'from silence, by a request',
      ({ health }) => {
        health.probeLost(false);
        health.probeLost(false);
        health.succeeded();
      },
    ],
    [
      'from an ejection',
      ({ health, fail, clock }) => {
        fail();
        clock.now += health.ejectedForMs;
      },
    ],
  ])('rises in tenths for one that came back %s', (_what, act) => {
    const the = healthAt();
    act(the);
    expect(the.health.usable).toBe(true);
    expect(sharesAfter(the)).toEqual(rising);
  });

  test('is not cut by a probe that was answered as ever', () => {
    const the = healthAt();
    the.health.probeLost(false);
    the.health.probeAnswered();
    expect(the.health.weightShare).toBe(1);
  });

  test('is whole at once when slow start is off', () => {
    const settings = { ejection, slowStart: { ms: 0 }, retryAfter: { maxMs: 0 } };
    const health = new BackendHealth(settings, { now: () => 5 });
    health.unreachable();
    health.probeAnswered();
    expect(health.weightShare).toBe(1);
  });
});
