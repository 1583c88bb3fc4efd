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
} from '@switchyard/service-kit';
import { createApp } from './app.js';
import { neighbourVote } from './classification/neighbour-vote.js';
import { readConfig } from './config.js';
import { chooseModel } from './embedding/choose-model.js';
import { LocalEmbedder } from './embedding/local-embedder.js';
import { metered } from './embedding/metered-embedder.js';
import { type Engine, startEngine } from './engine.js';
import { EmbeddedExemplarStore } from './exemplars/embedded-exemplar-store.js';
import { IndexSnapshots } from './exemplars/index-snapshots.js';
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
  const app = createApp({
    engine: () => engine,
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

  const store = await EmbeddedExemplarStore.open({
    directory: config.dataDir,
    modelDigest: model.modelDigest,
    maxIntents: config.maxIntents,
  });
  const embedder = await LocalEmbedder.start({
    ...model,
    workers: config.embeddingWorkers,
    maxTokens: config.embeddingTokens,
    logger,
  });
  engine = await startEngine({
    embedder: metered(embedder, registry),
    store,
    scorer: neighbourVote,
    snapshots: new IndexSnapshots({
      directory: join(config.dataDir, 'index'),
      modelDigest: embedder.modelDigest,
      dimensions: embedder.dimensions,
      logger,
    }),
    openJobs: (handler) => InProcessJobQueue.open(join(config.dataDir, 'jobs'), handler, logger),
    starterExemplars: config.starterExemplars,
    maxIntents: config.maxIntents,
    logger,
  });
  logger.info({ exemplars: engine.catalog.size, indexVersion: engine.catalog.version }, 'ready');
});
