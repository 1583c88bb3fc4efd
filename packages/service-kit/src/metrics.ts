import type { ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

export function createRegistry(): Registry {
  // Only such a registry takes exemplars.
  const registry = new Registry();
  setType(registry, Registry.OPENMETRICS_CONTENT_TYPE);
  collectDefaultMetrics({ register: registry });
  return registry;
}

const OPEN_METRICS = 'application/openmetrics-text';

/**
 * Prometheus's text format, or OpenMetrics where it is asked for, which has exemplars: with it a
 * scrape shows the ids of requests that fell into a bucket.
 */
export function metricsHandler(registry: Registry): RequestHandler {
  let rendered: Promise<unknown> = Promise.resolve();
  return async (request, response) => {
    const type = request.headers.accept?.includes(OPEN_METRICS)
      ? Registry.OPENMETRICS_CONTENT_TYPE
      : Registry.PROMETHEUS_CONTENT_TYPE;
    // One after the other: the registry's type, and with it the names of counters, is its state.
    const text = rendered.catch(() => undefined).then(() => render(registry, type));
    rendered = text;
    response.set('content-type', type).send(await text);
  };
}

async function render(registry: Registry, type: string): Promise<string> {
  const metrics = registry.getMetricsAsArray() as unknown as { name: string }[];
  const names = metrics.map(({ name }) => name);
  setType(registry, type);
  try {
    return await registry.metrics();
  } finally {
    setType(registry, Registry.OPENMETRICS_CONTENT_TYPE);
    // OpenMetrics takes `_total` off the names of counters, for good.
    for (const [position, metric] of metrics.entries()) metric.name = names[position] as string;
  }
}

const setType = (registry: Registry, type: string) =>
  (registry as unknown as { setContentType(type: string): void }).setContentType(type);

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
