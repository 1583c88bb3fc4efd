import type { RequestListener } from 'node:http';
import type { Reembedding } from '@switchyard/contracts';
import {
  apiRoutes,
  errorResponder,
  Gauge,
  httpMetrics,
  type Logger,
  methodNotAllowed,
  metricsHandler,
  type Registry,
  requireAdmin,
  unknownEndpoint,
} from '@switchyard/service-kit';
import express from 'express';
import type { Engine } from './engine.js';
import { notReady } from './errors.js';
import { classifierApi } from './routes/api.js';
import { changesRoutes } from './routes/changes.js';
import { classifyAnswer, classifyRoutes } from './routes/classify.js';
import { classifyDirectly } from './routes/classify-directly.js';
import { embeddingsRoutes } from './routes/embeddings.js';
import { exemplarRoutes } from './routes/exemplars.js';
import { healthRoutes } from './routes/health.js';
import { intentRoutes } from './routes/intents.js';
import { jobRoutes } from './routes/jobs.js';
import { qualityRoutes } from './routes/quality.js';
import { settingsRoutes } from './routes/settings.js';
import { statusRoutes } from './routes/status.js';
import { transferRoutes } from './routes/transfer.js';

/** 64 texts of 8192 characters, or 10,000 exemplars of everyday length, escaped. */
const MAX_BODY = '32mb';

export interface AppDependencies {
  /** undefined while the model or the index loads, and again while shutting down. */
  engine: () => Engine | undefined;
  /** What there is to wait for while there is no engine. */
  starting: () => string;
  reembedding: () => Reembedding | undefined;
  adminToken: string | undefined;
  /** Aborts when the server stops: event streams end then. */
  closing: AbortSignal;
  logger: Logger;
  registry: Registry;
}

export function createApp(dependencies: AppDependencies): RequestListener {
  const { adminToken, closing, logger, registry } = dependencies;
  const whyNotReady = () => (closing.aborted ? 'the server is stopping' : dependencies.starting());
  const engine = () => {
    const ready = dependencies.engine();
    if (!ready) throw notReady(whyNotReady());
    return ready;
  };
  const admin = requireAdmin(adminToken);
  observeCatalog(dependencies.engine, registry);
  const answer = classifyAnswer(engine, registry);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(httpMetrics(registry));
  app.use(healthRoutes(dependencies.engine, whyNotReady));
  app.use(statusRoutes({ ...dependencies, whyNotReady }));
  app.route('/metrics').get(metricsHandler(registry)).all(methodNotAllowed('GET'));
  app.use(apiRoutes(classifierApi));
  app.use(transferRoutes(engine, admin));
  // Whatever the content type says: what arrives here is meant to be JSON.
  app.use(express.json({ limit: MAX_BODY, type: () => true, strict: false }));
  app.use(classifyRoutes(answer));
  app.use(changesRoutes(engine, closing));
  app.use(intentRoutes(engine, admin));
  app.use(exemplarRoutes(engine, admin));
  app.use(jobRoutes(engine, closing));
  app.use(settingsRoutes(engine, admin));
  app.use(qualityRoutes(engine, closing));
  app.use(embeddingsRoutes(engine));
  app.use(unknownEndpoint);
  app.use(errorResponder(logger));
  return classifyDirectly({ answer, otherwise: app, logger, registry });
}

function observeCatalog(engine: () => Engine | undefined, registry: Registry): void {
  new Gauge({
    name: 'switchyard_exemplars',
    help: 'Exemplars in the index.',
    registers: [registry],
    collect() {
      this.set(engine()?.catalog.size ?? 0);
    },
  });
  new Gauge({
    name: 'switchyard_index_version',
    help: 'Version of the exemplars this process classifies with.',
    registers: [registry],
    collect() {
      this.set(engine()?.catalog.version ?? 0);
    },
  });
}
