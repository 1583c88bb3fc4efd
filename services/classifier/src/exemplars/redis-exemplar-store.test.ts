import { afterAll, beforeAll, describe } from 'vitest';
import { RedisCluster } from '../../../../test/support/redis-cluster.js';
import { RedisServer } from '../../../../test/support/redis-server.js';
import { exemplarStoreContract } from './exemplar-store.contract.js';
import { RedisPlace } from './test-support/redis-place.js';

const contractOn = (redis: () => { url: string }) =>
  exemplarStoreContract(async () => {
    const place = new RedisPlace(redis().url);
    return {
      open: async (options) => (await place.open(options)).store,
      [Symbol.asyncDispose]: async () => {},
    };
  });

describe('contract on a server', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());
  contractOn(() => server);
});

describe('contract on a Cluster of three', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await RedisCluster.start();
  });
  afterAll(() => cluster[Symbol.asyncDispose]());
  contractOn(() => cluster);
});
