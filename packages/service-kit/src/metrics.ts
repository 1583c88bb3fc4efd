import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

export function metricsHandler(registry: Registry): RequestHandler {
  return async (_request, response) => {
    response.set('content-type', registry.contentType).send(await registry.metrics());
  };
}

/** Times every request under its route pattern, so that ids in a path make no new series. */
export function httpMetrics(registry: Registry): RequestHandler {
  const duration = new Histogram({
    name: 'switchyard_http_request_duration_seconds',
    help: 'Time from the request to the end of its response.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
    registers: [registry],
  });
  return (request, response, next) => {
    const stop = duration.startTimer();
    response.once('close', () => {
      const route: unknown = request.route?.path;
      stop({
        method: typeof route === 'string' ? request.method : 'other',
        route: typeof route === 'string' ? route : 'none',
        status: response.statusCode,
      });
    });
    next();
  };
}
