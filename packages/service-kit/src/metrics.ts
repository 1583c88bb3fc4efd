import type { ServerResponse } from 'node:http';
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

const REQUEST_DURATION = 'switchyard_http_request_duration_seconds';

export interface RouteLabels {
  method: string;
  route: string;
}

/** Times a response until it is closed; `labels` is asked then. */
export function httpTimer(
  registry: Registry,
): (response: ServerResponse, labels: () => RouteLabels) => void {
  const known = registry.getSingleMetric(REQUEST_DURATION);
  const duration =
    known instanceof Histogram
      ? known
      : new Histogram({
          name: REQUEST_DURATION,
          help: 'Time from the request to the end of its response.',
          labelNames: ['method', 'route', 'status'],
          buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30],
          registers: [registry],
        });
  return (response, labels) => {
    const stop = duration.startTimer();
    response.once('close', () => stop({ ...labels(), status: response.statusCode }));
  };
}

/** Times every request under its route pattern, so that ids in a path make no new series. */
export function httpMetrics(registry: Registry): RequestHandler {
  const time = httpTimer(registry);
  return (request, response, next) => {
    time(response, () => {
      const route: unknown = request.route?.path;
      return typeof route === 'string'
        ? { method: request.method, route }
        : { method: 'other', route: 'none' };
    });
    next();
  };
}
