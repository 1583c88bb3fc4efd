import { setMaxListeners } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createHttpServer,
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
import { findModel } from './embedding/find-model.js';
import { LocalEmbedder } from './embedding/local-embedder.js';
import { metered } from './embedding/metered-embedder.js';
import { startEngine } from './engine.js';
import { EmbeddedExemplarStore } from './exemplars/embedded-exemplar-store.js';
import { IndexSnapshots } from './exemplars/index-snapshots.js';
import { RedisExemplarStore } from './exemplars/redis-exemplar-store.js';
import { BullmqJobQueue } from './ingestion/bullmq-job-queue.js';
import { InProcessJobQueue } from './ingestion/in-process-job-queue.js';
import { SharedJobs } from './ingestion/shared-jobs.js';
import { Serving } from './serving.js';
import { limitSilence } from './silence-limit.js';

/** Requests that run at SIGTERM may take this long to finish. */
const GRACE_MS = 5000;
/** A pause of an upload that only a client that is gone would make. */
const SILENCE_MS = 60_000;
/** All of a request, but for imports. */
const REQUEST_MS = 120_000;
const SHUTDOWN_LIMIT_MS = 10_000;

await runOrExit(async () => {
  const config = readConfig(process.env);
  const logger = createLogger('classifier', config.logLevel);
  const registry = createRegistry();
  const model = await chooseModel(config);

  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const { redis: location, redisKeyPrefix: prefix, dataDir, modelDir, maxIntents } = config;
  const jobs = new SharedJobs((ingestion) =>
    location
      ? BullmqJobQueue.open({ location, prefix, ingestion, logger })
      : InProcessJobQueue.open(join(dataDir, 'jobs'), ingestion, logger),
  );
  const serving = new Serving({
    model,
    waitingForStore: location
      ? `waiting for Redis at ${showRedisLocation(location)}`
      : 'the exemplars are being opened',
    async openStore(ofModel) {
      if (!location)
        return EmbeddedExemplarStore.open({ ...ofModel, directory: dataDir, maxIntents });
      const { signal } = closing;
      return RedisExemplarStore.open({ ...ofModel, location, prefix, maxIntents, logger, signal });
    },
    async startEmbedder(chosen, role) {
      const embedder = await LocalEmbedder.start({
        ...chosen,
        workers: config.embeddingWorkers,
        maxTokens: config.embeddingTokens,
        logger,
      });
      // The figures are those of the chosen model.
      const figures = role === 'chosen' ? registry : createRegistry();
      return cached(metered(embedder, figures), config.embeddingCache, figures);
    },
    startEngine(store, embedder, role) {
      const { modelDigest, dimensions } = embedder;
      const snapshots = new IndexSnapshots({
        directory: join(dataDir, 'index'),
        modelDigest,
        dimensions,
        logger,
        ...(role === 'earlier' && { index: { directory: tmpdir() } }),
      });
      return startEngine({
        embedder,
        store,
        // The chosen model's snapshots are the ones to be kept.
        snapshots: role === 'chosen' ? snapshots : snapshots.onlyLoaded,
        jobsFor: (ingestion) => jobs.queueFor(ingestion),
        starterExemplars: config.starterExemplars,
        maxIntents,
        logger,
      });
    },
    findModel: (earlier) => findModel(earlier, modelDir),
    jobs,
    closing: closing.signal,
    logger,
  });
  const app = createApp({
    engine: () => serving.engine,
    starting: () => serving.waitingFor,
    reembedding: () => serving.reembedding,
    adminToken: config.adminToken,
    closing: closing.signal,
    logger,
    registry,
  });
  const server = createHttpServer(app);
  limitSilence(server, {
    silenceMs: SILENCE_MS,
    requestMs: REQUEST_MS,
    mayTakeLonger: ({ url }) => /^\/v1\/import\b/.test(url ?? ''),
  });
  const { port } = await listen(server, {
    host: config.host,
    port: config.port,
    variable: 'CLASSIFIER_PORT',
  });
  onShutdown(logger, SHUTDOWN_LIMIT_MS, async () => {
    closing.abort();
    await drain(server, GRACE_MS);
    await serving.close();
  });
  logger.info({ url: serverUrl(config.host, port), pid: process.pid }, 'listening');
  await serving.start().catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });
});
