import { describe, expect, test } from 'vitest';
import type { Candidate, Shortlist } from '../balancing/policy.js';
import type { OpenLedger } from './connection-ledger.contract.js';
import type { Lease, WaitEnd } from './connection-ledger.js';

const inOrder = (...candidates: Candidate[]): Shortlist => ({
  candidates,
  rule: { kind: 'inOrder' },
});
const candidate = (id: string, capacity = 1): Candidate => ({ id, capacity, weight: 1 });

/** What every ledger must do with requests that wait; `open` gives one that holds nothing. */
export function waitingContract(open: () => Promise<OpenLedger>): void {
  /** Waits under a name; whoever gets a slot is written down, oldest grant first. */
  function line({ ledger, pool }: OpenLedger, shortlist: Shortlist, limit = 100) {
    const granted: string[] = [];
    const leases = new Map<string, Lease>();
    const join = async (name: string, signal = new AbortController().signal) => {
      const before = ledger.waiting(pool).cluster;
      const end = ledger.wait(pool, { shortlist: () => shortlist, limit, signal });
      const done = end.then((got: WaitEnd) => {
        if (typeof got === 'string') return got;
        granted.push(name);
        leases.set(name, got);
        return got.backendId;
      });
      await expect.poll(() => ledger.waiting(pool).cluster).toBe(before + 1);
      // Not as it is: an async function would wait for it.
      return { end: done };
    };
    return { granted, leases, join };
  }

  const takeAll = async ({ ledger, pool }: OpenLedger, shortlist: Shortlist) => {
    const leases: Lease[] = [];
    for (;;) {
      const lease = await ledger.acquire(pool, shortlist);
      if (!lease) return leases;
      leases.push(lease);
    }
  };

  test('a free slot is taken without waiting', async () => {
    await using opened = await open();
    const { ledger, pool } = opened;
    const { signal } = new AbortController();
    const got = await ledger.wait(pool, {
      shortlist: () => inOrder(candidate('a')),
      limit: 0,
      signal,
    });
    expect(got).toMatchObject({ backendId: 'a' });
    await expect.poll(() => ledger.inFlight(pool, 'a')).toEqual({ here: 1, cluster: 1 });
    expect(ledger.waiting(pool)).toEqual({ here: 0, cluster: 0 });
  });

  test('each slot that is given back goes to the oldest', async () => {
    await using opened = await open();
    const shortlist = inOrder(candidate('a'), candidate('b'));
    const [a, b] = await takeAll(opened, shortlist);
    const { granted, leases, join } = line(opened, shortlist);
    const ends: Promise<string>[] = [];
    for (const name of ['one', 'two', 'three', 'four']) ends.push((await join(name)).end);
    b?.release();
    await expect.poll(() => granted).toEqual(['one']);
    a?.release();
    await expect.poll(() => granted).toEqual(['one', 'two']);
    leases.get('two')?.release();
    leases.get('one')?.release();
    await expect.poll(() => granted).toEqual(['one', 'two', 'three', 'four']);
    expect((await Promise.all(ends)).sort()).toEqual(['a', 'a', 'b', 'b']);
    expect(opened.ledger.waiting(opened.pool)).toEqual({ here: 0, cluster: 0 });
  });

  test('somebody who comes later takes no slot before those who wait', async () => {
    await using opened = await open();
    const { ledger, pool } = opened;
    const shortlist = inOrder(candidate('a'));
    const [held] = await takeAll(opened, shortlist);
    const { granted, leases, join } = line(opened, shortlist);
    const { end } = await join('waiter');
    held?.release();
    const late = await ledger.acquire(pool, shortlist);
    expect(await end).toBe('a');
    expect(late).toBeUndefined();
    expect(granted).toEqual(['waiter']);
    leases.get('waiter')?.release();
    await expect.poll(async () => (await ledger.acquire(pool, shortlist))?.backendId).toBe('a');
  });

  test('those who want another backend neither wait for each other nor overtake', async () => {
    await using opened = await open();
    const { ledger, pool } = opened;
    const both = inOrder(candidate('a'), candidate('b'));
    const [a, b] = await takeAll(opened, both);
    const onlyA = line(opened, inOrder(candidate('a')));
    const onlyB = line(opened, inOrder(candidate('b')));
    const first = await onlyA.join('first');
    const second = await onlyB.join('second');
    b?.release();
    expect(await second.end).toBe('b');
    expect(onlyA.granted).toEqual([]);
    expect(await ledger.acquire(pool, inOrder(candidate('c')))).toMatchObject({ backendId: 'c' });
    a?.release();
    expect(await first.end).toBe('a');
  });

  test('no more wait than may, and they are told at once', async () => {
    await using opened = await open();
    const { ledger, pool } = opened;
    const shortlist = inOrder(candidate('a'));
    const [held] = await takeAll(opened, shortlist);
    const { join } = line(opened, shortlist, 2);
    const one = await join('one');
    const two = await join('two');
    const { signal } = new AbortController();
    const waiting = { shortlist: () => shortlist, limit: 2, signal };
    expect(await ledger.wait(pool, waiting)).toBe('full');
    held?.release();
    expect(await one.end).toBe('a');
    const third = ledger.wait(pool, waiting);
    await expect.poll(() => ledger.waiting(pool).cluster).toBe(2);
    expect(await ledger.wait(pool, waiting)).toBe('full');
    await ledger.close();
    expect(await Promise.all([two.end, third])).toEqual(['ended', 'ended']);
  });

  describe('who gives up', () => {
    test('before it began is not let in', async () => {
      await using opened = await open();
      const { ledger, pool } = opened;
      const shortlist = () => inOrder(candidate('a'));
      const waiting = { shortlist, limit: 5, signal: AbortSignal.abort() };
      expect(await ledger.wait(pool, waiting)).toBe('ended');
      expect(ledger.inFlight(pool, 'a').here).toBe(0);
    });

    test('makes room, and the next one moves up', async () => {
      await using opened = await open();
      const { ledger, pool } = opened;
      const shortlist = inOrder(candidate('a'));
      const [held] = await takeAll(opened, shortlist);
      const { granted, join } = line(opened, shortlist);
      const leaving = new AbortController();
      const first = await join('first', leaving.signal);
      const second = await join('second');
      leaving.abort();
      expect(await first.end).toBe('ended');
      await expect.poll(() => ledger.waiting(pool)).toEqual({ here: 1, cluster: 1 });
      held?.release();
      expect(await second.end).toBe('a');
      expect(granted).toEqual(['second']);
    });

    test('while a slot comes to it gives the slot back', async () => {
      await using opened = await open();
      const { ledger, pool } = opened;
      const shortlist = inOrder(candidate('a'));
      for (let round = 0; round < 20; round++) {
        const [held] = await takeAll(opened, shortlist);
        const leaving = new AbortController();
        const { signal } = leaving;
        const end = ledger.wait(pool, { shortlist: () => shortlist, limit: 5, signal });
        await expect.poll(() => ledger.waiting(pool).cluster).toBe(1);
        held?.release();
        if (round % 2 === 0) await Promise.resolve();
        leaving.abort();
        const got = await end;
        if (typeof got !== 'string') got.release();
        await expect.poll(() => ledger.inFlight(pool, 'a')).toEqual({ here: 0, cluster: 0 });
      }
    });
  });

  test('a backend that comes back serves those who wait', async () => {
    await using opened = await open();
    const { ledger, pool } = opened;
    let candidates: Candidate[] = [];
    const { signal } = new AbortController();
    const end = ledger.wait(pool, { shortlist: () => inOrder(...candidates), limit: 5, signal });
    await expect.poll(() => ledger.waiting(pool).here).toBe(1);
    candidates = [candidate('a')];
    expect(await end).toMatchObject({ backendId: 'a' });
  });
}
