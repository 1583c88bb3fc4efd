import { setMaxListeners } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import {
  createLogger,
  createRegistry,
  drain,
  listen,
  onShutdown,
  runOrExit,
  serverUrl,
  showRedisLocation,
} from '@switchyard/service-kit';
import { createApp } from './app.js';
import { readConfig } from './config.js';
import { cached } from './embedding/cached-embedder.js';
import { chooseModel } from './embedding/choose-model.js';
import { LocalEmbedder } from './embedding/local-embedder.js';
import { metered } from './embedding/metered-embedder.js';
import { type Engine, startEngine } from './engine.js';
import { EmbeddedExemplarStore } from './exemplars/embedded-exemplar-store.js';
import type { ExemplarStore } from './exemplars/exemplar-store.js';
import { IndexSnapshots } from './exemplars/index-snapshots.js';
import { RedisExemplarStore } from './exemplars/redis-exemplar-store.js';
import { BullmqJobQueue } from './ingestion/bullmq-job-queue.js';
import { InProcessJobQueue } from './ingestion/in-process-job-queue.js';
import { limitSilence } from './silence-limit.js';

/** Requests that run at SIGTERM may take this long to finish. */
const GRACE_MS = 5000;
/** A pause of an upload that only a client that is gone would make. */
const SILENCE_MS = 60_000;
const SHUTDOWN_LIMIT_MS = 10_000;

await runOrExit(async () => {
  const config = readConfig(process.env);
  const logger = createLogger('classifier', config.logLevel);
  const registry = createRegistry();
  const model = await chooseModel(config);

  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  let engine: Engine | undefined;
  let starting = 'the model or the index is still loading';
  const app = createApp({
    engine: () => engine,
    starting: () => starting,
    adminToken: config.adminToken,
    closing: closing.signal,
    logger,
    registry,
  });
  const server = createServer(app);
  limitSilence(server, SILENCE_MS);
  const { port } = await listen(server, {
    host: config.host,
    port: config.port,
    variable: 'CLASSIFIER_PORT',
  });
  onShutdown(logger, SHUTDOWN_LIMIT_MS, async () => {
    const running = engine;
    engine = undefined;
    closing.abort();
    await drain(server, GRACE_MS);
    await running?.close();
  });
  logger.info({ url: serverUrl(config.host, port), pid: process.pid }, 'listening');

  const openStore = (embed: (text: string) => Promise<Float32Array>): Promise<ExemplarStore> => {
    const { redis, redisKeyPrefix: prefix, dataDir: directory, maxIntents } = config;
    const { modelDigest } = model;
    if (!redis) return EmbeddedExemplarStore.open({ directory, modelDigest, maxIntents });
    starting = `waiting for Redis at ${showRedisLocation(redis)}`;
    const { signal } = closing;
    return RedisExemplarStore.open({
      ...{ location: redis, prefix, modelDigest, maxIntents, logger, signal, embed },
    });
  };
  const store = await openStore(
    async (text) => (await embedder.embed(text, { priority: 'bulk' })).vector,
  );
  starting = 'the model or the index is still loading';
  const embedder = metered(
    await LocalEmbedder.start({
      ...model,
      workers: config.embeddingWorkers,
      maxTokens: config.embeddingTokens,
      logger,
    }),
    registry,
  );
  engine = await startEngine({
    embedder: cached(embedder, config.embeddingCache, registry),
    store,
    snapshots: new IndexSnapshots({
      directory: join(config.dataDir, 'index'),
      modelDigest: embedder.modelDigest,
      dimensions: embedder.dimensions,
      logger,
    }),
    openJobs: async (ingestion) => {
      const { redis: location, redisKeyPrefix: prefix, dataDir } = config;
      if (location) return BullmqJobQueue.open({ location, prefix, ingestion, logger });
      return InProcessJobQueue.open(join(dataDir, 'jobs'), ingestion, logger);
    },
    starterExemplars: config.starterExemplars,
    maxIntents: config.maxIntents,
    logger,
  });
  logger.info({ exemplars: engine.catalog.size, indexVersion: engine.catalog.version }, 'ready');
});
