import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Candidate, Shortlist } from '../balancing/policy.js';
import type { ConnectionLedger, Lease } from './connection-ledger.js';

export interface OpenLedger extends AsyncDisposable {
  readonly ledger: ConnectionLedger;
  /** Name of a pool that nobody else uses. */
  readonly pool: string;
}

export interface ContractOptions {
  /** Random interleavings that are tried. */
  runs?: number;
}

const candidate = (id: string, capacity = Number.POSITIVE_INFINITY, weight = 1): Candidate => ({
  id,
  capacity,
  weight,
});
const inOrder = (...candidates: Candidate[]): Shortlist => ({
  candidates,
  rule: { kind: 'inOrder' },
});
const leastLoaded = (among: number, ...candidates: Candidate[]): Shortlist => ({
  candidates,
  rule: { kind: 'leastLoaded', among },
});
const leastLoadedWithMine = (...candidates: Candidate[]): Shortlist => ({
  candidates,
  rule: { kind: 'leastLoaded', among: candidates.length, plus: 1 },
});

/** What every connection ledger must do; `open` gives a ledger that holds nothing. */
export function connectionLedgerContract(
  open: () => Promise<OpenLedger>,
  { runs = 100 }: ContractOptions = {},
): void {
  /** Ids chosen by so many acquires one after the other; undefined for "all are full". */
  const take = async ({ ledger, pool }: OpenLedger, shortlist: Shortlist, times: number) => {
    const ids: (string | undefined)[] = [];
    for (let i = 0; i < times; i++) ids.push((await ledger.acquire(pool, shortlist))?.backendId);
    return ids;
  };

  /** Releases may travel: a ledger that is shared need not show them at once. */
  const expectInFlight = async ({ ledger, pool }: OpenLedger, id: string, count: number) =>
    expect.poll(() => ledger.inFlight(pool, id)).toEqual({ here: count, cluster: count });

  describe('capacity', () => {
    test('is never exceeded by acquires at the same time', async () => {
      await using opened = await open();
      const { ledger, pool } = opened;
      const shortlist = leastLoaded(3, candidate('a', 3), candidate('b', 1), candidate('c', 5));
      const leases = await Promise.all(
        Array.from({ length: 40 }, () => ledger.acquire(pool, shortlist)),
      );
      const taken = leases.flatMap((lease) => (lease ? [lease.backendId] : []));
      expect(taken.sort().join('')).toBe('aaabccccc');
    });

    test('undefined when all are full, and room again after a release', async () => {
      await using opened = await open();
      const { ledger, pool } = opened;
      const shortlist = inOrder(candidate('a', 1), candidate('b', 1));
      const first = await ledger.acquire(pool, shortlist);
      expect(await take(opened, shortlist, 2)).toEqual(['b', undefined]);
      first?.release();
      await expectInFlight(opened, 'a', 0);
      expect(await take(opened, shortlist, 2)).toEqual(['a', undefined]);
    });

    test('undefined for an empty shortlist', async () => {
      await using opened = await open();
      expect(await opened.ledger.acquire(opened.pool, inOrder())).toBeUndefined();
      expect(await opened.ledger.acquire(opened.pool, leastLoaded(0))).toBeUndefined();
    });

    test('that shrank below what is in flight admits no one', async () => {
      await using opened = await open();
      await take(opened, inOrder(candidate('a', 3)), 3);
      expect(await take(opened, inOrder(candidate('a', 2)), 1)).toEqual([undefined]);
    });
  });

  test('a lease gives back one slot, however often it is released', async () => {
    await using opened = await open();
    const { ledger, pool } = opened;
    const shortlist = inOrder(candidate('a', 3));
    const lease = await ledger.acquire(pool, shortlist);
    await take(opened, shortlist, 2);
    await expectInFlight(opened, 'a', 3);
    lease?.release();
    lease?.release();
    await expectInFlight(opened, 'a', 2);
    lease?.release();
    expect(await take(opened, shortlist, 2)).toEqual(['a', undefined]);
  });

  describe('inOrder', () => {
    test('takes the first with room', async () => {
      await using opened = await open();
      const shortlist = inOrder(candidate('b', 2), candidate('a', 1), candidate('c'));
      expect(await take(opened, shortlist, 5)).toEqual(['b', 'b', 'a', 'c', 'c']);
    });
  });

  describe('leastLoaded', () => {
    test('takes the least in flight per weight', async () => {
      await using opened = await open();
      const shortlist = leastLoaded(2, candidate('a', 100, 3), candidate('b', 100, 1));
      const taken = await take(opened, shortlist, 12);
      expect(taken.filter((id) => id === 'a')).toHaveLength(9);
      // Never further ahead than one request is worth: 3 to 1 after every four.
      for (const end of [4, 8])
        expect(taken.slice(0, end).filter((id) => id === 'b')).toHaveLength(end / 4);
    });

    test('counts `plus` more on each, so that idle ones differ by weight', async () => {
      await using opened = await open();
      // Loads (n + 1) / w: a 1/5, 2/5, ...; b 1/1.5, ...
      const shortlist = leastLoadedWithMine(candidate('b', 100, 1.5), candidate('a', 100, 5));
      expect((await take(opened, shortlist, 5)).join('')).toBe('aaaba');
    });

    test('does not take a full one, however little it carries for its weight', async () => {
      await using opened = await open();
      const shortlist = leastLoaded(2, candidate('a', 1, 1000), candidate('b', 2, 1));
      expect((await take(opened, shortlist, 4)).sort()).toEqual(['a', 'b', 'b', undefined]);
    });

    test('spreads ties at random over all of the tied', async () => {
      await using opened = await open();
      const { ledger, pool } = opened;
      const shortlist = leastLoaded(4, ...['a', 'b', 'c', 'd'].map((id) => candidate(id)));
      const counts = new Map<string, number>();
      const rounds = 600;
      for (let round = 0; round < rounds; round++) {
        const lease = await ledger.acquire(pool, shortlist);
        counts.set(lease?.backendId ?? '', (counts.get(lease?.backendId ?? '') ?? 0) + 1);
        lease?.release();
        if (lease) await expectInFlight(opened, lease.backendId, 0);
      }
      // Each has a chance of 1/4: 150 expected, standard deviation below 11.
      expect([...counts.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
      for (const count of counts.values()) expect(Math.abs(count - rounds / 4)).toBeLessThan(80);
    });

    test('looks at the first `among`, and goes to the rest in order when these are full', async () => {
      await using opened = await open();
      const shortlist = leastLoaded(
        2,
        candidate('a', 2),
        candidate('b', 1),
        candidate('c', 1),
        candidate('d', 2),
      );
      const taken = await take(opened, shortlist, 7);
      expect(taken.slice(0, 3).sort()).toEqual(['a', 'a', 'b']);
      expect(taken.slice(3)).toEqual(['c', 'd', 'd', undefined]);
    });
  });

  describe('shares', () => {
    const shared = (shares: number[], shortlist: Shortlist): Shortlist => ({
      ...shortlist,
      shares,
    });
    const any = Number.POSITIVE_INFINITY;

    test('the first that carries less than its share of all, the new one included', async () => {
      await using opened = await open();
      const shortlist = shared([0.5, 0.5], inOrder(candidate('a'), candidate('b')));
      // Of n the first carries ceil(n / 2), but 2 from the start.
      expect((await take(opened, shortlist, 10)).join('')).toBe('aabbababab');
    });

    test('counts all candidates, not only those with a share', async () => {
      await using opened = await open();
      await take(opened, inOrder(candidate('c')), 6);
      const shortlist = shared([0.25], inOrder(candidate('a'), candidate('b'), candidate('c')));
      // a may carry 2 of 7 and of 8, 3 of 9 to 12, 4 of 13.
      expect((await take(opened, shortlist, 7)).join('')).toBe('aaabbba');
    });

    test('the rule decides among those without a share', async () => {
      await using opened = await open();
      await take(opened, inOrder(candidate('b')), 3);
      const shortlist = shared(
        [0.2],
        leastLoaded(2, candidate('a'), candidate('b'), candidate('c')),
      );
      // 2 on a, then the least loaded of b and c until a may have its third: of 11.
      expect((await take(opened, shortlist, 5)).join('')).toBe('aaccc');
    });

    test('any share goes up to the capacity', async () => {
      await using opened = await open();
      const shortlist = shared([any], inOrder(candidate('a', 3), candidate('b')));
      expect((await take(opened, shortlist, 5)).join('')).toBe('aaabb');
    });

    test('gives way where a slot would stay unused', async () => {
      await using opened = await open();
      const shortlist = shared([0.5, 0.5], inOrder(candidate('a', 5), candidate('b', 1)));
      expect(await take(opened, shortlist, 7)).toEqual(['a', 'a', 'b', 'a', 'a', 'a', undefined]);
    });

    test('a product such as 1.1 * 10 is no more than 11', async () => {
      await using opened = await open();
      await take(opened, inOrder(candidate('a')), 11);
      await take(opened, inOrder(candidate('c')), 88);
      // 11.000000000000002 by floating point.
      const shortlist = shared(
        [1.1 * 0.1],
        inOrder(candidate('a'), candidate('b'), candidate('c')),
      );
      expect(1.1 * 0.1 * 100).toBeGreaterThan(11);
      expect(await take(opened, shortlist, 1)).toEqual(['b']);
    });
  });

  test('backends and pools do not count for each other', async () => {
    await using opened = await open();
    const { ledger, pool } = opened;
    await take(opened, inOrder(candidate('x/a', 1)), 1);
    expect(await take(opened, inOrder(candidate('x/b', 1)), 1)).toEqual(['x/b']);
    const elsewhere = await ledger.acquire(`${pool}-other`, inOrder(candidate('y/a', 1)));
    expect(elsewhere?.backendId).toBe('y/a');
    expect(ledger.inFlight(pool, 'x/never')).toEqual({ here: 0, cluster: 0 });
    elsewhere?.release();
  });

  test('names such as those of Object.prototype are names like any other', async () => {
    await using opened = await open();
    const shortlist = inOrder(candidate('constructor', 1), candidate('__proto__', 1));
    expect(await take(opened, shortlist, 3)).toEqual(['constructor', '__proto__', undefined]);
  });

  test('whatever the interleaving, counts agree with the leases held and end at zero', async () => {
    const capacities = { a: 2, b: 3, c: 1 };
    const ids = Object.keys(capacities) as (keyof typeof capacities)[];
    const all = ids.map((id) => candidate(id, capacities[id]));
    const step = fc.record({
      release: fc.boolean(),
      which: fc.nat(),
      rule: fc.constantFrom(inOrder(...all), leastLoaded(3, ...all), leastLoaded(2, ...all)),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(step, { minLength: 1, maxLength: 30 }),
        async (scheduler, steps) => {
          await using opened = await open();
          const { ledger, pool } = opened;
          const held: Lease[] = [];
          const act = async ({ release, which, rule }: (typeof steps)[number]) => {
            await scheduler.schedule(Promise.resolve());
            const lease = release ? held.splice(which % (held.length || 1), 1)[0] : undefined;
            if (release) lease?.release();
            else {
              const taken = await ledger.acquire(pool, rule);
              if (taken) held.push(taken);
            }
            for (const id of ids)
              expect(ledger.inFlight(pool, id).here).toBeLessThanOrEqual(capacities[id]);
          };
          const acts = steps.map(act);
          await scheduler.waitAll();
          await Promise.all(acts);
          for (const id of ids) {
            const count = held.filter(({ backendId }) => backendId === id).length;
            await expectInFlight(opened, id, count);
          }
          for (const lease of held) lease.release();
          for (const id of ids) await expectInFlight(opened, id, 0);
        },
      ),
      { numRuns: runs },
    );
  });
}
