import {
  apiRoutes,
  errorResponder,
  methodNotAllowed,
  metricsHandler,
  type Registry,
  requireAdmin,
  unknownEndpoint,
} from '@switchyard/service-kit';
import express, { type Express, type RequestHandler } from 'express';
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

/** Where a request enters: the control plane first, then everything under /v1 into the data path. */
export function createApp(dependencies: AppDependencies): Express {
  const { current, keys, adminToken, logger, metrics, running, stopping } = dependencies;
  const registry = () => current().registry;
  const dataPath = createDataPath(dependencies);
  const client = requireClient(keys);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_request, response, next) => {
    if (stopping.aborted) response.shouldKeepAlive = false;
    next();
  });
  app.use(healthRoutes(registry, stopping));
  app.route('/metrics').get(metricsHandler(metrics)).all(methodNotAllowed('GET'));
  app.use(apiRoutes(routerApi));
  app.use('/v1/models', client);
  app.use(modelRoutes(registry));
  app.use((request, response, next) => {
    if (request.url.startsWith('/v1/'))
      running.track(response, dataPath(request, response)).catch(next);
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
