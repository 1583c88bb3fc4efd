import { describe, expect, test } from 'vitest';
import { weighing } from '../test-support/candidates.js';
import { connectionLedgerContract } from './connection-ledger.contract.js';
import { MemoryConnectionLedger } from './memory-connection-ledger.js';
import { waitingContract } from './waiting.contract.js';

describe('MemoryConnectionLedger', () => {
  const open = async () => {
    const ledger = new MemoryConnectionLedger();
    return { ledger, pool: 'pool', [Symbol.asyncDispose]: () => ledger.close() };
  };
  connectionLedgerContract(open);
  waitingContract(open);

  test('ties are broken by the random numbers it was given', async () => {
    const shortlist = {
      candidates: weighing(1, 1, 1),
      rule: { kind: 'leastLoaded' as const, among: 3 },
    };
    const chosen = async (random: number) =>
      (await new MemoryConnectionLedger(() => random).acquire('pool', shortlist))?.backendId;
    expect(await chosen(0)).toBe('c');
    expect(await chosen(0.999)).toBe('a');
    expect(await chosen(0.4)).toBe('b');
  });

  test('a release after the end still counts once', async () => {
    const ledger = new MemoryConnectionLedger();
    const shortlist = { candidates: weighing(1), rule: { kind: 'inOrder' as const } };
    const lease = await ledger.acquire('pool', shortlist);
    await ledger.close();
    lease?.release();
    expect(ledger.inFlight('pool', 'a').here).toBe(0);
  });
});
