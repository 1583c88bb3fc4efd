import {
  type Logger,
  type RedisClient,
  RedisConnection,
  type RedisLocation,
} from '@switchyard/service-kit';
import { RedisKeys } from './redis-keys.js';
import { RedisScripts } from './redis-scripts.js';
import { RedisTables } from './redis-tables.js';

/** How long one attempt of the wait for Redis takes. */
const WAIT_MS = 500;

export interface RedisLinkOptions {
  location: RedisLocation;
  /** What the names of all keys begin with. */
  prefix: string;
  modelDigest: string;
  logger: Logger;
  /** Aborts when nobody waits any more. */
  signal?: AbortSignal | undefined;
}

/** The exemplars' connections to Redis, and what is sent on them. */
export interface RedisLink {
  client: RedisClient;
  /** Only for the change stream. */
  stream: RedisConnection;
  scripts: RedisScripts;
  tables: RedisTables;
  close(): Promise<void>;
}

/** Connects, however long it takes; rejects with ConfigError when Redis will not have us. */
export async function openRedisLink(options: RedisLinkOptions): Promise<RedisLink> {
  const { location, prefix, modelDigest, logger, signal } = options;
  const commands = new RedisConnection(location, { name: 'classifier-exemplars', logger });
  const stream = new RedisConnection(location, { name: 'classifier-changes', logger });
  const close = async () => {
    await Promise.all([commands.close(), stream.close()]);
  };
  try {
    for (const connection of [commands, stream])
      while (!(await connection.whenReady(WAIT_MS))) signal?.throwIfAborted();
  } catch (error) {
    await close();
    throw error;
  }
  const { client } = commands;
  const tables = new RedisTables(client, new RedisKeys(prefix, modelDigest));
  return { client, stream, scripts: new RedisScripts(client), tables, close };
}
