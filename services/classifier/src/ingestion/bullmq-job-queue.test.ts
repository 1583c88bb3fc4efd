import { randomUUID } from 'node:crypto';
import { createLogger, parseRedisUrl } from '@switchyard/service-kit';
import type { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { RedisCluster } from '../../../../test/support/redis-cluster.js';
import { RedisServer } from '../../../../test/support/redis-server.js';
import { BullmqJobQueue, type BullmqJobQueueOptions } from './bullmq-job-queue.js';
import { inState, jobQueueContract } from './job-queue.contract.js';
import { CHUNK_LINES, type ChunkHandler, type Ingestion } from './job-queue.js';
import { Gate, ndjson, trainedAtOnce } from './test-support/gate.js';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const open = (
  prefix: string,
  ingestion: Ingestion,
  { url = server.url, ...options }: Partial<BullmqJobQueueOptions> & { url?: string } = {},
) =>
  BullmqJobQueue.open({
    location: parseRedisUrl(url),
    prefix,
    ingestion,
    logger: createLogger('test', 'silent'),
    ...options,
  });

const keysOf = async (client: Redis | Cluster, prefix: string) => {
  const nodes = 'nodes' in client ? client.nodes('master') : [client];
  const keys = await Promise.all(nodes.map((node) => node.keys(`*{${prefix}}:imports:*`)));
  return keys.flat().sort();
};

const contractOn = (redis: () => { url: string; client: Redis | Cluster }) =>
  jobQueueContract(async () => {
    const prefix = randomUUID();
    return {
      open: (ingestion) => open(prefix, ingestion, { url: redis().url }),
      content: () => keysOf(redis().client, prefix),
      [Symbol.asyncDispose]: async () => {},
    };
  });

describe('contract on a server', () => contractOn(() => server));

describe('contract on a Cluster of three', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  contractOn(() => cluster);
});

test('every replica takes its share of an import, and knows how it goes', async () => {
  const prefix = randomUUID();
  const gates = [new Gate(), new Gate()];
  const slow =
    (gate: Gate): ChunkHandler =>
    async (...chunk) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return gate.handle(...chunk);
    };
  const [one, two] = await Promise.all(
    gates.map((gate) => open(prefix, trainedAtOnce(slow(gate)))),
  );
  if (!one || !two) throw new Error('two were opened');
  const { id } = await one.submit(ndjson(2000), 'reject');
  const job = await inState(two, id, 'completed');
  expect(job).toMatchObject({ total: 2000, done: 2000, added: 1980, rejected: 20 });
  expect(await one.get(id)).toEqual(job);
  for (const { handled } of gates) expect(handled).toBeGreaterThan(5);
  expect(gates.reduce((sum, { handled }) => sum + handled, 0)).toBe(Math.ceil(2000 / CHUNK_LINES));
  expect(await keysOf(server.client, prefix)).toHaveLength(2);
  await Promise.all([one.close(), two.close()]);
});

test('a chunk that kills whoever works on it ends its job, and not the others', async () => {
  const prefix = randomUUID();
  const gate = new Gate(0);
  const before = await open(prefix, trainedAtOnce(gate.handle));
  const { id } = await before.submit(ndjson(10, 'deadly'), 'reject');
  const task = `{${prefix}}:import-chunks:chunk-${id}-0`;
  await eventually(async () => expect(await server.client.exists(task)).toBe(1));
  // As BullMQ counts workers that died with it.
  await server.client.hset(task, 'stc', 6);
  const closing = before.close();
  gate.fail();
  await closing;
  const queue = await open(prefix, trainedAtOnce(new Gate().handle));
  const other = await queue.submit(ndjson(10), 'reject');
  expect((await inState(queue, id, 'failed')).error).toMatch(/^6 classifiers died/);
  await inState(queue, other.id, 'completed');
  await queue.close();
});

test('goes on when Redis was restarted in the middle', async () => {
  await using durable = await RedisServer.start({ appendOnly: true });
  const gate = new Gate(3);
  const queue = await open(randomUUID(), trainedAtOnce(gate.handle), { url: durable.url });
  const { id } = await queue.submit(ndjson(1000), 'reject');
  await eventually(() => expect(gate.handled).toBe(3));
  await durable.restart();
  gate.release();
  expect(await inState(queue, id, 'completed')).toMatchObject({ done: 1000, added: 990 });
  await queue.close();
});
