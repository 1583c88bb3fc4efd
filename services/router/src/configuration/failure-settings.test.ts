import { describe, expect, test } from 'vitest';
import { parseFleet } from './load-fleet.js';

const BASE = `pools:
  main: { backends: [{ name: a, url: "http://h:1" }] }
default: main
`;
const pool = (settings: string) => BASE.replace('"http://h:1" }]', `"http://h:1" }], ${settings}`);

function read(source: string) {
  const problems: string[] = [];
  return { fleet: parseFleet(source, {}, problems), problems };
}

test('the defaults', () => {
  const { fleet } = read(BASE);
  expect(fleet).toMatchObject({
    ejection: {
      failures: 3,
      errorRate: 0.5,
      minRequests: 20,
      windowMs: 30_000,
      baseMs: 1000,
      maxMs: 60_000,
    },
    slowStart: { ms: 10_000 },
    retryAfter: { maxMs: 60_000 },
    retries: { budget: 0.2, minPerSecond: 10, windowMs: 10_000 },
    trustedProxies: 0,
    shutdown: { graceMs: 30_000 },
  });
  expect(fleet?.pools.get('main')?.hedge).toBeUndefined();
});

describe('hedge', () => {
  const defaults = { percentile: 95, minMs: 50, minSamples: 50 };
  test.each<[string, object | undefined]>([
    ['hedge: true', defaults],
    ['hedge: {}', defaults],
    ['hedge: { percentile: 99 }', { ...defaults, percentile: 99 }],
    ['hedge: false', undefined],
  ])('%s', (settings, expected) => {
    expect(read(pool(settings)).fleet?.pools.get('main')?.hedge).toEqual(expected);
  });
});

test('0 turns off what can be turned off', () => {
  const { fleet, problems } = read(
    `${BASE}slowStart: { ms: 0 }\nretryAfter: { maxMs: 0 }\nretries: { budget: 0, minPerSecond: 0 }\nshutdown: { graceMs: 0 }\n`,
  );
  expect(problems).toEqual([]);
  expect(fleet).toMatchObject({ slowStart: { ms: 0 }, retryAfter: { maxMs: 0 } });
});

test.each([
  [pool('hedge: often'), 'pools.main.hedge: must be true, false or settings'],
  [pool('hedge: { percentile: 10 }'), 'pools.main.hedge.percentile: '],
  [pool('hedge: { afterMs: 10 }'), 'pools.main.hedge.afterMs: is not a known setting'],
  [`${BASE}ejection: { errorRate: 0 }`, 'ejection.errorRate: '],
  [`${BASE}ejection: { errorRate: 50 }`, 'ejection.errorRate: '],
  [`${BASE}ejection: { minRequests: 0 }`, 'ejection.minRequests: '],
  [`${BASE}ejection: { windowMs: 0 }`, 'ejection.windowMs: '],
  [`${BASE}slowStart: 5`, 'slowStart: '],
  [`${BASE}slowStart: { ms: -1 }`, 'slowStart.ms: '],
  [
    `${BASE}retryAfter: { maxMs: long }`,
    'retryAfter.maxMs: must be a whole number of milliseconds',
  ],
  [`${BASE}retries: { budget: 20% }`, 'retries.budget: must be a number'],
  [`${BASE}retries: { budget: -0.1 }`, 'retries.budget: '],
  [`${BASE}retries: { minPerSecond: some }`, 'retries.minPerSecond: must be a number'],
  [`${BASE}trustedProxies: 1.5`, 'trustedProxies: must be a whole number'],
  [`${BASE}trustedProxies: -1`, 'trustedProxies: '],
  [`${BASE}shutdown: { graceMs: soon }`, 'shutdown.graceMs: must be a whole number'],
])('%s', (source, problem) => {
  const { fleet, problems } = read(source);
  expect(fleet).toBeUndefined();
  expect(problems).toHaveLength(1);
  expect(problems[0]?.startsWith(problem)).toBe(true);
});
