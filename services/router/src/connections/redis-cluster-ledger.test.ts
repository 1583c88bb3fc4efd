import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { RedisCluster } from '../../../../test/support/redis-cluster.js';
import { candidate, inOrder, openRedisLedger } from '../test-support/redis-ledger.js';
import { connectionLedgerContract } from './connection-ledger.contract.js';
import { waitingContract } from './waiting.contract.js';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await RedisCluster.start();
});
afterAll(() => cluster[Symbol.asyncDispose]());

describe('RedisConnectionLedger on a Redis Cluster', () => {
  const open = async () => ({
    ...(await openRedisLedger(cluster.url, { prefix: randomUUID() })),
    pool: `pool-${randomUUID().slice(0, 8)}`,
  });
  connectionLedgerContract(open, { runs: 10 });
  waitingContract(open);
});

test('pools are spread over the nodes, and only those of a node that is away count locally', async () => {
  const names = ['code', 'chat', 'fast', 'math', 'other', 'more'];
  const fleet = new Map(names.map((name) => [name, [`${name}/a`]]));
  const settings = { prefix: randomUUID(), leaseMs: 1000, fleet };
  await using one = await openRedisLedger(cluster.url, settings);
  await using two = await openRedisLedger(cluster.url, settings);
  const counts = (name: string) => one.ledger.status(name).counts;
  const take = (opened: typeof one, name: string) =>
    opened.ledger.acquire(name, inOrder(candidate(`${name}/a`, 2)));
  await eventually(() => {
    for (const name of names) expect(one.ledger.status(name).replicas).toBe(2);
  });
  const nodes = await Promise.all(names.map((name) => cluster.nodeOf(`{${name}}`)));
  expect(new Set(nodes).size).toBeGreaterThan(1);

  const lost = nodes[0];
  await lost?.kill();
  await eventually(async () => {
    await take(one, names[0] ?? '').then((lease) => lease?.release());
    expect(names.map(counts)).toEqual(nodes.map((node) => (node === lost ? 'local' : 'shared')));
  });
  for (const [index, name] of names.entries()) {
    const leases = [await take(one, name), await take(one, name)];
    // Its share of two is one; where the counts are shared both are free for it.
    const expected = nodes[index] === lost ? 1 : 2;
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(expected);
    for (const lease of leases) lease?.release();
  }
  await lost?.restart();
  await eventually(() => expect(names.map(counts)).toEqual(names.map(() => 'shared')));
  for (const name of names) {
    const leases = [await take(one, name), await take(two, name), await take(two, name)];
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(2);
    for (const lease of leases) lease?.release();
  }
});
