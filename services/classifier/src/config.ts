import { availableParallelism } from 'node:os';
import {
  checkAdminExposure,
  parseEnvironment,
  type RedisLocation,
  userPath,
  variable,
  withSecretFiles,
} from '@switchyard/service-kit';
import { z } from 'zod';

/** One core is left to HTTP, search and scoring; past four, memory grows faster than throughput. */
const DEFAULT_WORKERS = Math.max(1, Math.min(4, availableParallelism() - 1));

/** Each may also be given as NAME_FILE. */
const SECRETS = ['ADMIN_TOKEN', 'REDIS_URL'];

const Variables = z.object({
  CLASSIFIER_HOST: variable.text('127.0.0.1'),
  CLASSIFIER_PORT: variable.port(9001),
  DATA_DIR: variable.text('./data'),
  MODEL_DIR: variable.text('./.models'),
  MODEL: variable.text('all-MiniLM-L6-v2'),
  ALLOW_REMOTE_MODELS: variable.flag(false),
  MAX_INTENTS: variable.integer(1000, { min: 1, max: 100_000 }),
  STARTER_EXEMPLARS: variable.flag(true),
  ADMIN_TOKEN: variable.secret(),
  ALLOW_UNAUTHENTICATED_ADMIN: variable.flag(false),
  EMBEDDING_WORKERS: variable.integer(DEFAULT_WORKERS, { min: 1, max: 64 }),
  EMBEDDING_TOKENS: variable.integer(128, { min: 8, max: 512 }),
  REDIS_URL: variable.redisUrl(),
  REDIS_KEY_PREFIX: variable.redisKeyPrefix(),
  EMBEDDING_CACHE: variable.integer(10_000, { min: 0, max: 10_000_000 }),
  LOG_LEVEL: variable.logLevel(),
});

export interface ClassifierConfig {
  host: string;
  port: number;
  dataDir: string;
  modelDir: string;
  /** A name in `modelDir` or on the hub, or an absolute path. */
  model: string;
  allowRemoteModels: boolean;
  maxIntents: number;
  starterExemplars: boolean;
  adminToken: string | undefined;
  embeddingWorkers: number;
  /** Token budget of one text, [CLS] and [SEP] included. */
  embeddingTokens: number;
  /** undefined: everything is in this process and in `dataDir`. */
  redis: RedisLocation | undefined;
  redisKeyPrefix: string;
  /** Texts whose vectors are remembered. */
  embeddingCache: number;
  logLevel: string;
}

/** Throws ConfigError naming every wrong variable. */
export function readConfig(environment: Record<string, string | undefined>): ClassifierConfig {
  const read = parseEnvironment(Variables, withSecretFiles(environment, SECRETS));
  checkAdminExposure({
    hostVariable: 'CLASSIFIER_HOST',
    host: read.CLASSIFIER_HOST,
    adminToken: read.ADMIN_TOKEN,
    allowUnauthenticated: read.ALLOW_UNAUTHENTICATED_ADMIN,
  });
  return Object.freeze({
    host: read.CLASSIFIER_HOST,
    port: read.CLASSIFIER_PORT,
    dataDir: userPath(read.DATA_DIR, environment),
    modelDir: userPath(read.MODEL_DIR, environment),
    // A path is told from a name by its beginning, as a shell does.
    model: /^[./]/.test(read.MODEL) ? userPath(read.MODEL, environment) : read.MODEL,
    allowRemoteModels: read.ALLOW_REMOTE_MODELS,
    maxIntents: read.MAX_INTENTS,
    starterExemplars: read.STARTER_EXEMPLARS,
    adminToken: read.ADMIN_TOKEN,
    embeddingWorkers: read.EMBEDDING_WORKERS,
    embeddingTokens: read.EMBEDDING_TOKENS,
    redis: read.REDIS_URL,
    redisKeyPrefix: read.REDIS_KEY_PREFIX,
    embeddingCache: read.EMBEDDING_CACHE,
    logLevel: read.LOG_LEVEL,
  });
}
