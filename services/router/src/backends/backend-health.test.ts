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
function healthAt(start = 1_000_000) {
  const clock = { now: start };
  const settings = { ejection, slowStart: { ms: 10_000 }, retryAfter: { maxMs: 60_000 } };
  const health = new BackendHealth(settings, { now: () => clock.now });
  const fail = (times = ejection.failures) =>
    Array.from({ length: times }, () => health.failed()).at(-1);
  return { clock, health, fail };
}

type Health = ReturnType<typeof healthAt>;

describe('state after', () => {
  test.each<[string, (the: Health) => void, string]>([
    ['nothing', () => {}, 'healthy'],
    ['a refused connection', ({ health }) => health.unreachable(), 'dead'],
    [
      'a refused connection and an answered probe',
      ({ health }) => {
        health.unreachable();
        health.probeAnswered();
      },
      'healthy',
    ],
    [
      'a success while dead: only probes bring it back',
      ({ health }) => {
        health.unreachable();
        health.succeeded();
      },
      'dead',
    ],
    ['fewer failures than it takes', ({ fail }) => void fail(2), 'healthy'],
    ['as many failures as it takes', ({ fail }) => void fail(3), 'ejected'],
    [
      'failures with a success between',
      ({ health, fail }) => {
        fail(2);
        health.succeeded();
        fail(2);
      },
      'healthy',
    ],
    [
      'the last moment of an ejection',
      ({ clock, fail }) => {
        fail();
        clock.now += 999;
      },
      'ejected',
    ],
    [
      'the end of an ejection',
      ({ clock, fail }) => {
        fail();
        clock.now += 1000;
      },
      'healthy',
    ],
    [
      'answered probes during an ejection: they do not shorten it',
      ({ health, fail }) => {
        fail();
        health.probeAnswered();
      },
      'ejected',
    ],
    ['being asked to wait', ({ health }) => health.defer(1000), 'deferred'],
    [
      'being asked to wait, and an answer to an earlier request',
      ({ health }) => {
        health.defer(1000);
        health.succeeded();
      },
      'deferred',
    ],
    [
      'being asked to wait, and the time',
      ({ health, clock }) => {
        health.defer(1000);
        clock.now += 1000;
      },
      'healthy',
    ],
    [
      'failing while asked to wait',
      ({ health, fail }) => {
        health.defer(1000);
        fail();
      },
      'ejected',
    ],
    ['one lost probe', ({ health }) => health.probeLost(false), 'healthy'],
    [
      'two lost probes',
      ({ health }) => {
        health.probeLost(false);
        health.probeLost(false);
      },
      'silent',
    ],
    [
      'lost probes with an answered one between',
      ({ health }) => {
        health.probeLost(false);
        health.probeAnswered();
        health.probeLost(false);
      },
      'healthy',
    ],
    ['one refused probe', ({ health }) => health.probeLost(true), 'dead'],
    [
      'a refused connection during an ejection',
      ({ health, fail }) => {
        fail();
        health.unreachable();
      },
      'dead',
    ],
    [
      'coming back from the dead during an ejection',
      ({ health, fail }) => {
        fail();
        health.unreachable();
        health.probeAnswered();
      },
      'ejected',
    ],
  ])('%s: %s', (_what, act, state) => {
    const the = healthAt();
    act(the);
    expect(the.health.state).toBe(state);
    expect(the.health.usable).toBe(state === 'healthy');
  });
});

test('says when a failure ejects, once', () => {
  const { health } = healthAt();
  expect([1, 2, 3, 4, 5, 6, 7].map(() => health.failed())).toEqual([
    ...[undefined, undefined, 'consecutive'],
    ...[undefined, undefined, undefined, undefined],
  ]);
});

test('ejections grow from 1 s to the limit while it keeps failing', () => {
  const { clock, health, fail } = healthAt();
  const times: number[] = [];
  for (let ejection = 0; ejection < 5; ejection++) {
    fail();
    times.push(health.ejectedForMs);
    clock.now += health.ejectedForMs;
    expect(health.ejectedForMs).toBe(0);
  }
  expect(times).toEqual([1000, 2000, 4000, 4000, 4000]);
});

test('the growth starts anew only after it has stayed well for as long as it was out', () => {
  const { clock, health, fail } = healthAt();
  fail();
  clock.now += 1000;
  fail();
  clock.now += 2000;
  // Well for less than the 2 s it was out.
  clock.now += 1999;
  health.succeeded();
  fail();
  expect(health.ejectedForMs).toBe(4000);
  clock.now += 4000 + 4001;
  health.succeeded();
  fail();
  expect(health.ejectedForMs).toBe(1000);
});

describe('a wish to be left alone', () => {
  test('is honoured up to the limit, and a shorter one does not cut it', () => {
    const { health, clock } = healthAt();
    health.defer(3_600_000);
    expect(health.deferredForMs).toBe(60_000);
    clock.now += 50_000;
    health.defer(1000);
    expect(health.deferredForMs).toBe(10_000);
  });

  test('is not honoured with a limit of 0', () => {
    const settings = { ejection, slowStart: { ms: 0 }, retryAfter: { maxMs: 0 } };
    const health = new BackendHealth(settings, { now: () => 5 });
    health.defer(1000);
    expect(health.state).toBe('healthy');
  });
});
