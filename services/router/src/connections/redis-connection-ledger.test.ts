import { randomUUID } from 'node:crypto';
import { createLogger, parseRedisUrl, RedisConnection } from '@switchyard/service-kit';
import { afterAll, beforeAll, describe } from 'vitest';
import { RedisServer } from '../../../../test/support/redis-server.js';
import { connectionLedgerContract } from './connection-ledger.contract.js';
import { RedisConnectionLedger } from './redis-connection-ledger.js';
import { waitingContract } from './waiting.contract.js';

let server: RedisServer;
beforeAll(async () => {
  server = await RedisServer.start();
});
afterAll(() => server[Symbol.asyncDispose]());

const logger = createLogger('test', 'silent');

async function open() {
  const location = parseRedisUrl(server.url);
  const connection = new RedisConnection(location, { name: 'test', logger });
  const listener = new RedisConnection(location, { name: 'test', logger });
  await Promise.all([connection.whenReady(5000), listener.whenReady(5000)]);
  const ledger = new RedisConnectionLedger({
    connection,
    listener,
    prefix: randomUUID(),
    leaseMs: 10_000,
    logger,
  });
  return {
    ledger,
    pool: 'pool',
    async [Symbol.asyncDispose]() {
      await ledger.close();
      await connection.close();
      await listener.close();
    },
  };
}

describe('RedisConnectionLedger', () => {
  connectionLedgerContract(open, { runs: 30 });
  waitingContract(open);
});
