import { describe, expect, test } from 'vitest';
import { parseFleet } from './load-fleet.js';

function read(settings: string) {
  const problems: string[] = [];
  const source = `pools:
  main: { backends: [{ name: a, url: "http://h:1" }, { name: b, url: "http://h:2" }], ${settings} }
  other: { backends: [{ name: c, url: "http://h:3" }] }
default: main
`;
  return { pool: parseFleet(source, {}, problems)?.pools.get('main'), problems };
}

describe('affinity', () => {
  test.each<[string, object]>([
    ['affinity: client', { key: 'client', header: 'x-session-id', loadBound: 1.25 }],
    ['affinity: { key: session, header: X-Chat }', { header: 'x-chat', loadBound: 1.25 }],
    ['affinity: { key: user, loadBound: false }', { key: 'user', loadBound: false }],
    ['affinity: { key: conversation, loadBound: 2 }', { key: 'conversation', loadBound: 2 }],
  ])('%s', (settings, expected) => {
    const { pool, problems } = read(settings);
    expect(problems).toEqual([]);
    expect(pool?.affinity).toMatchObject(expected);
    expect(pool?.policy).toBeUndefined();
  });

  test('with a policy keeps it, and without affinity there is one', () => {
    expect(read('affinity: user, policy: random').pool?.policy).toBe('random');
    expect(read('tools: true').pool).toMatchObject({ policy: 'round-robin' });
  });

  test.each([
    ['affinity: cookie', 'affinity.key: must be one of client, session, user, conversation'],
    ['affinity: {}', 'affinity.key: must be one of client, session, user, conversation'],
    ['affinity: 3', 'affinity: must be one of client, session, user, conversation, or settings'],
    [
      'affinity: { key: session, loadBound: 0.9 }',
      'affinity.loadBound: must be a number from 1 to 1000, or false for none',
    ],
    ['affinity: { key: session, header: "a b" }', 'affinity.header: must be the name of a header'],
    [
      'affinity: { key: user, header: x-user }',
      'affinity.header: has a meaning only with key: session',
    ],
    [
      'affinity: session, policy: ip-hash',
      'policy: ip-hash is affinity by client address already; leave out one of policy and affinity',
    ],
  ])('%s is refused', (settings, problem) => {
    expect(read(settings).problems).toEqual([`pools.main.${problem}`]);
  });
});

describe('variants', () => {
  test('share the pool', () => {
    const { pool, problems } = read(
      'variants: { stable: { percent: 95, backends: [a] }, new: { percent: 5, backends: [b], model: m2 } }',
    );
    expect(problems).toEqual([]);
    expect(pool?.variants).toMatchObject({ new: { percent: 5, backends: ['b'], model: 'm2' } });
  });

  test.each([
    [
      '{ x: { percent: 60 }, y: { percent: 30 } }',
      'variants: percents add up to 90, and must to 100',
    ],
    ['{}', 'variants: must have at least one'],
    ['{ x: { percent: 120 } }', 'variants.x.percent: must be from 0 to 100'],
    [
      '{ x: { percent: 100, backends: [a, z] } }',
      'variants.x.backends[1]: the pool has no backend "z"; it has a, b',
    ],
    [
      '{ x: { percent: 100, backends: [a] } }',
      'variants: no variant has b, so nothing would go there',
    ],
  ])('%s is refused', (variants, problem) => {
    expect(read(`variants: ${variants}`).problems[0]).toBe(`pools.main.${problem}`);
  });
});

describe('shadow', () => {
  test('has bounds unless given', () => {
    expect(read('shadow: { pool: other, percent: 10 }').pool?.shadow).toEqual({
      pool: 'other',
      percent: 10,
      concurrency: 8,
      timeoutMs: 60_000,
      maxBodyBytes: 1_048_576,
    });
    expect(read('shadow: { pool: main, backend: b, percent: 1 }').problems).toEqual([]);
  });

  test.each([
    ['{ pool: none, percent: 1 }', 'shadow.pool: there is no pool "none"; there are main, other'],
    [
      '{ pool: other, backend: a, percent: 1 }',
      'shadow.backend: pool "other" has no backend "a"; it has c',
    ],
    [
      '{ pool: main, percent: 1 }',
      'shadow.pool: is the pool itself; name another one, or one backend of it',
    ],
    ['{ pool: other }', 'shadow.percent: must be a number from 0 to 100'],
  ])('%s is refused', (shadow, problem) => {
    expect(read(`shadow: ${shadow}`).problems).toEqual([`pools.main.${problem}`]);
  });
});
