import type { RequestListener } from 'node:http';
import {
  apiRoutes,
  errorResponder,
  methodNotAllowed,
  metricsHandler,
  type Registry,
  requireAdmin,
  unknownEndpoint,
} from '@switchyard/service-kit';
import express, { type RequestHandler } from 'express';
import type { ClientKeys } from './authentication.js';
import { createDataPath, type DataPathDependencies } from './proxy/data-path.js';
import type { RunningRequests } from './proxy/running-requests.js';
import { type AdminDependencies, adminRoutes } from './routes/admin.js';
import { routerApi } from './routes/api.js';
import { healthRoutes } from './routes/health.js';
import { modelRoutes } from './routes/models.js';
import { routeRoutes } from './routes/route.js';
import { type StatusDependencies, statusRoutes } from './routes/status.js';

export interface AppDependencies
  extends DataPathDependencies,
    StatusDependencies,
    AdminDependencies {
  adminToken: string | undefined;
  metrics: Registry;
  running: RunningRequests;
  /** Aborts when the router stops taking new work. */
  stopping: AbortSignal;
}

/** Everything under /v1 but the list of models, which Express matches whatever its case. */
const PROXIED = /^\/v1\/(?![Mm][Oo][Dd][Ee][Ll][Ss](?:[/?]|$))/;

/**
 * Where a request enters: what is proxied goes straight into the data path, since Express takes as long
 * as all the rest of it; everything else is the control plane's.
 */
export function createApp(dependencies: AppDependencies): RequestListener {
  const { logger, running, stopping } = dependencies;
  const dataPath = createDataPath(dependencies);
  const proxied: RequestListener = (request, response) => {
    running.track(response, dataPath(request, response)).catch((error: unknown) => {
      logger.error({ err: error }, 'unexpected error');
      response.destroy();
    });
  };
  const controlPlane = createControlPlane(dependencies, proxied);
  return (request, response) => {
    if (stopping.aborted) response.shouldKeepAlive = false;
    if (PROXIED.test(request.url ?? '')) proxied(request, response);
    else controlPlane(request, response);
  };
}

function createControlPlane(
  dependencies: AppDependencies,
  proxied: RequestListener,
): RequestListener {
  const { current, keys, adminToken, logger, metrics, stopping } = dependencies;
  const registry = () => current().registry;
  const client = requireClient(keys);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(healthRoutes(registry, stopping));
  app.route('/metrics').get(metricsHandler(metrics)).all(methodNotAllowed('GET'));
  app.use(apiRoutes(routerApi));
  app.use('/v1/models', client);
  app.use(modelRoutes(registry));
  app.use((request, response, next) => {
    if (request.url.startsWith('/v1/')) proxied(request, response);
    else next();
  });
  app.use(['/route', '/status'], client);
  app.use(routeRoutes(dependencies));
  app.use(statusRoutes(dependencies));
  app.use('/admin', express.json({ limit: '64kb', type: () => true, strict: false }));
  app.use(adminRoutes(dependencies, requireAdmin(adminToken)));
  app.use(unknownEndpoint);
  app.use(errorResponder(logger));
  return app;
}

const requireClient =
  (keys: ClientKeys): RequestHandler =>
  (request, _response, next) => {
    keys.authenticate(request);
    next();
  };
