import { createLogger, RedisConnection } from '@switchyard/service-kit';
import type { Corpus, CorpusSource } from './corpus.js';
import { EmbeddedTables } from './embedded-tables.js';
import { RedisKeys } from './redis-keys.js';
import { RedisTables } from './redis-tables.js';

const CONNECT_MS = 5000;

/** Reads a store that other processes use. */
export async function readCorpus(source: CorpusSource): Promise<Corpus> {
  return source.kind === 'redis' ? fromRedis(source) : fromFile(source);
}

async function fromFile(source: CorpusSource & { kind: 'embedded' }): Promise<Corpus> {
  const { path, modelDigest } = source;
  const tables = new EmbeddedTables(path, { readOnly: true });
  try {
    return tables.corpus(modelDigest);
  } finally {
    await tables.close();
  }
}

async function fromRedis(source: CorpusSource & { kind: 'redis' }): Promise<Corpus> {
  const { location, prefix, modelDigest } = source;
  // The classifier itself says when Redis is away.
  const logger = createLogger('training', 'silent');
  const connection = new RedisConnection(location, { name: 'classifier-training', logger });
  try {
    if (!(await connection.whenReady(CONNECT_MS))) throw new Error('Redis is away');
    return await new RedisTables(connection.client, new RedisKeys(prefix, modelDigest)).corpus();
  } finally {
    await connection.close();
  }
}
