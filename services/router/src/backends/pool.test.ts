import { describe, expect, test } from 'vitest';
import { fleetOf } from '../test-support/test-router.js';
import { BackendRegistry } from './backend-registry.js';
import type { Demands } from './pool.js';

const registryOf = (pools: string) => new BackendRegistry(fleetOf(`${pools}\ndefault: p\n`));
const anyone = { key: '', inFlight: () => 0 };
const small: Demands = { images: false, tools: false, tokens: 10 };

function poolWith(settings: string) {
  return registryOf(`pools: { p: { backends: [{ name: b, url: "http://h" }]${settings} } }`).pool(
    'p',
  );
}

describe('canTake', () => {
  test.each<[string, Partial<Demands>, boolean]>([
    ['', { images: true, tools: true, tokens: 1_000_000 }, true],
    [', images: false', { images: true }, false],
    [', images: false', {}, true],
    [', images: true', { images: true }, true],
    [', tools: false', { tools: true }, false],
    [', tools: true', { tools: true }, true],
    [', contextTokens: 100', { tokens: 100 }, true],
    [', contextTokens: 100', { tokens: 101 }, false],
  ])('a pool with "%s" and %j: %s', (settings, demands, can) => {
    expect(poolWith(settings).canTake({ ...small, ...demands })).toBe(can);
  });
});

describe('modelFor', () => {
  test.each<[string, string[], string | undefined, string | undefined]>([
    ['the configured model, whatever was asked', [], undefined, 'mine'],
    ['the configured model, asked by name', [], 'mine', 'mine'],
    ['the configured model, not one it happens to list', ['listed'], 'listed', 'mine'],
  ])('%s', (_what, discovered, asked, expected) => {
    const [backend] = registryOf(
      'pools: { p: { backends: [{ name: b, url: "http://h", model: mine }] } }',
    ).backends();
    if (backend) backend.discoveredModels = discovered;
    expect(backend?.modelFor(asked)).toBe(expected);
  });

  test.each<[string, string[], string | undefined, string | undefined]>([
    ['the first it lists when none is asked', ['a', 'b'], undefined, 'a'],
    ['the one asked for when it lists it', ['a', 'b'], 'b', 'b'],
    ['the first when it does not list the one asked for', ['a', 'b'], 'auto', 'a'],
    ['none when it lists none: the field is dropped', [], 'auto', undefined],
  ])('%s', (_what, discovered, asked, expected) => {
    const [backend] = poolWith('').backends;
    if (backend) backend.discoveredModels = discovered;
    expect(backend?.modelFor(asked)).toBe(expected);
  });
});

test('a pool offers its active backends, those that serve the model when one is asked for', () => {
  const pool = registryOf(`pools: { p: { backends: [
    { name: a, url: "http://h", model: m }, { name: b, url: "http://h", model: n },
    { name: c, url: "http://h", model: m }, { name: d, url: "http://h", model: m } ] } }`).pool(
    'p',
  );
  const names = (model?: string) => pool.serving(model).map(({ name }) => name);
  const [, , c, d] = pool.backends;
  Object.assign(c ?? {}, { admin: { state: 'draining' } });
  Object.assign(d ?? {}, { admin: { state: 'disabled' } });
  expect(names()).toEqual(['a', 'b']);
  expect(names('m')).toEqual(['a']);
  expect(names('other')).toEqual([]);
});

test('a look ahead takes no turn', () => {
  const pool = registryOf(`pools: { p: { backends: [
    { name: a, url: "http://h" }, { name: b, url: "http://h" } ] } }`).pool('p');
  const first = (peek: boolean) =>
    pool.shortlist(pool.backends, { ...anyone, peek }).candidates[0]?.id;
  expect([first(true), first(true), first(false), first(true), first(false), first(false)]).toEqual(
    [...['p/a', 'p/a', 'p/a'], ...['p/b', 'p/b', 'p/a']],
  );
});

test('the registry knows models, pools and what a pool falls back to', () => {
  const registry = registryOf(`pools:
  p: { backends: [{ name: a, url: "http://h", model: m }], fallback: q }
  q: { backends: [{ name: a, url: "http://h", model: m }, { name: b, url: "http://h", model: n }], fallback: r }
  r: { backends: [{ name: a, url: "http://h" }] }`);
  expect(registry.models()).toEqual(['m', 'n']);
  expect(registry.poolsServing('m').map(({ name }) => name)).toEqual(['p', 'q']);
  expect([...registry.fallbacksOf('p')]).toEqual(['q', 'r']);
  expect([...registry.fallbacksOf('r')]).toEqual([]);
  expect(registry.backends().map(({ id }) => id)).toEqual(['p/a', 'q/a', 'q/b', 'r/a']);
  expect(() => registry.pool('constructor')).toThrow('there is no pool "constructor"');
});

describe('turns', () => {
  const four = () =>
    registryOf(
      `pools: { p: { backends: [${['a', 'b', 'c', 'd'].map((name) => `{ name: ${name}, url: "http://${name}" }`).join()}] } }`,
    ).pool('p');

  test('sets of candidates that alternate are each served in turn', () => {
    const pool = four();
    const [first, second] = [pool.backends.slice(0, 2), pool.backends.slice(2)];
    const chosen = Array.from({ length: 8 }, (_, i) => {
      const { candidates } = pool.shortlist(i % 2 === 0 ? first : second, anyone);
      return candidates[0]?.id;
    });
    expect(chosen).toEqual(['p/a', 'p/c', 'p/b', 'p/d', 'p/a', 'p/c', 'p/b', 'p/d']);
  });

  test('a peek takes none', () => {
    const pool = four();
    const first = () => pool.shortlist(pool.backends, { ...anyone, peek: true }).candidates[0]?.id;
    expect([first(), first()]).toEqual(['p/a', 'p/a']);
    pool.shortlist(pool.backends, anyone);
    expect(first()).toBe('p/b');
  });
});
