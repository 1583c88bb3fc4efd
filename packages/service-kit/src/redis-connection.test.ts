import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../test/support/eventually.js';
import { RedisCluster } from '../../../test/support/redis-cluster.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { RedisConnection, type RedisConnectionOptions } from './redis-connection.js';
import { parseRedisUrl } from './redis-location.js';

/** A connection, and what it logs. */
function connect(url: string, options: Partial<RedisConnectionOptions> = {}) {
  const lines: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => lines.push(line) });
  const connection = new RedisConnection(parseRedisUrl(url), { name: 'test', logger, ...options });
  return { connection, lines, [Symbol.asyncDispose]: () => connection.close() };
}

const elapsed = async (work: () => Promise<unknown>) => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

test('one line when Redis goes, commands fail at once meanwhile, one line when it is back', async () => {
  await using server = await RedisServer.start({ appendOnly: true });
  await using opened = connect(server.url);
  const { connection, lines } = opened;
  let times = 0;
  connection.onReady(() => times++);
  expect(await connection.whenReady(5000)).toBe(true);
  await connection.client.set('a', '1');
  await server.kill();
  await eventually(() => expect(connection.ready).toBe(false));
  expect(await elapsed(() => connection.client.get('a').catch(() => undefined))).toBeLessThan(500);
  await expect(connection.client.get('a')).rejects.toThrow();
  expect(await connection.whenReady(50)).toBe(false);
  await server.restart();
  expect(await connection.whenReady(10_000)).toBe(true);
  expect(await connection.client.get('a')).toBe('1');
  expect(times).toBe(2);
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    'connected to Redis',
    'Redis is away; connecting until it is back',
    'connected to Redis',
  ]);
});

test('a server that is away at the start is said once, and found when it comes', async () => {
  await using server = await RedisServer.start();
  await server.kill();
  await using opened = connect(server.url);
  expect(await opened.connection.whenReady(300)).toBe(false);
  expect(opened.lines).toHaveLength(1);
  expect(JSON.parse(opened.lines[0] ?? '')).toMatchObject({ level: 40, redis: server.url });
  await server.restart();
  expect(await opened.connection.whenReady(10_000)).toBe(true);
});

test('a server that hangs fails its commands after a time, and is used again when it goes on', async () => {
  await using server = await RedisServer.start();
  await using opened = connect(server.url);
  await opened.connection.whenReady(5000);
  server.pause();
  await expect(opened.connection.client.get('a')).rejects.toThrow('timed out');
  server.resume();
  await eventually(async () => expect(await opened.connection.client.get('a')).toBeNull());
});

test('a blocking connection waits for its answer and for Redis to be back', async () => {
  await using server = await RedisServer.start();
  await using opened = connect(server.url, { blocking: true });
  const { client } = opened.connection;
  const waiting = client.blpop('list', 0);
  await eventually(async () => {
    expect(String(await server.client.client('LIST'))).toContain('cmd=blpop');
  });
  await server.restart();
  const pushed = eventually(() => server.client.rpush('list', 'value'));
  expect(await waiting).toEqual(['list', 'value']);
  await pushed;
});

test('a password is used, never logged, and a wrong one stops the start', async () => {
  await using server = await RedisServer.start({ args: ['--requirepass', 'right%1'] });
  const at = (userInfo: string) => server.url.replace('//', `//${userInfo}@`);
  await using right = connect(at(':right%251'));
  expect(await right.connection.whenReady(5000)).toBe(true);
  await using wrong = connect(at(':wrong-one'));
  await expect(wrong.connection.whenReady(5000)).rejects.toThrow(
    `REDIS_URL: Redis refuses the user or the password (${server.url})`,
  );
  await using none = connect(server.url);
  await expect(none.connection.whenReady(5000)).rejects.toThrow('REDIS_URL: Redis wants a user');
  expect([...right.lines, ...wrong.lines].join('')).not.toMatch(/right%1|wrong-one/);
});

test('a database that is not there stops the start', async () => {
  await using server = await RedisServer.start();
  await using opened = connect(`${server.url}/999`);
  await expect(opened.connection.whenReady(5000)).rejects.toThrow('REDIS_URL: Redis has no data');
});

describe('Redis Cluster', () => {
  test('keys of all nodes, while one is away, and when it is back', async () => {
    await using cluster = await RedisCluster.start();
    await using opened = connect(cluster.url);
    const { connection } = opened;
    expect(connection.isCluster).toBe(true);
    expect(await connection.whenReady(10_000)).toBe(true);
    const keys = await Promise.all(
      ['one', 'two', 'three', 'four', 'five'].map(async (key) => {
        await connection.client.set(key, key);
        return { key, node: await cluster.nodeOf(key) };
      }),
    );
    const lost = keys[0]?.node;
    expect(new Set(keys.map(({ node }) => node)).size).toBeGreaterThan(1);
    await lost?.kill();
    for (const { key, node } of keys)
      if (node === lost) await expect(connection.client.get(key)).rejects.toThrow();
      else expect(await connection.client.get(key)).toBe(key);
    await lost?.restart();
    for (const { key } of keys)
      await eventually(async () => expect(await connection.client.set(key, 'again')).toBe('OK'));
  });

  test('several URLs of a server that is no Cluster stop the start', async () => {
    await using one = await RedisServer.start();
    await using opened = connect(`${one.url},${one.url}`);
    await expect(opened.connection.whenReady(10_000)).rejects.toThrow('this Redis is no Cluster');
  });
});
