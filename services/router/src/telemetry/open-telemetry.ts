import type { IncomingMessage } from 'node:http';
import {
  type Context,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Logger } from '@switchyard/service-kit';
import { isResponse, type Outcome } from '../proxy/backend-response.js';
import type { RequestRecord } from '../proxy/request-record.js';
import { GenAiMetrics } from './gen-ai-metrics.js';
import { requestAttributes } from './request-attributes.js';
import type { RequestTrace, Telemetry } from './telemetry.js';

const CLOSE_TIMEOUT_MS = 2000;
const propagator = new W3CTraceContextPropagator();

export interface OpenTelemetryOptions {
  serviceName: string;
  /** How often metrics are sent. */
  metricIntervalMs: number;
  logger: Logger;
}

/**
 * Traces and GenAI metrics to an OTLP/HTTP receiver. Where it is, and with which headers, the
 * exporters read from the standard variables (OTEL_EXPORTER_OTLP_ENDPOINT and its kin). What cannot be
 * delivered is dropped; no request waits for it.
 */
export class OpenTelemetry implements Telemetry {
  readonly #tracers: BasicTracerProvider;
  readonly #meters: MeterProvider;
  readonly #tracer: Tracer;
  readonly #metrics: GenAiMetrics;

  constructor({ logger, ...options }: OpenTelemetryOptions) {
    const note = (message: string) => logger.warn({ reason: message }, 'telemetry');
    const ignore = () => undefined;
    const levels = { error: note, warn: note, info: ignore, debug: ignore, verbose: ignore };
    diag.setLogger(levels, DiagLogLevel.WARN);
    const resource = resourceFromAttributes({ 'service.name': options.serviceName });
    const processor = new BatchSpanProcessor(new OTLPTraceExporter());
    this.#tracers = new BasicTracerProvider({ resource, spanProcessors: [processor] });
    const reader = new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter(),
      exportIntervalMillis: options.metricIntervalMs,
      exportTimeoutMillis: Math.min(options.metricIntervalMs, 10_000),
    });
    this.#meters = new MeterProvider({ resource, readers: [reader] });
    this.#tracer = this.#tracers.getTracer('switchyard-router');
    this.#metrics = new GenAiMetrics(this.#meters.getMeter('switchyard-router'));
  }

  trace(request: IncomingMessage): RequestTrace {
    const parent = propagator.extract(ROOT_CONTEXT, request.headers, {
      keys: (headers) => Object.keys(headers),
      get: (headers, name) => headers[name],
    });
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const name = `${request.method} ${path}`;
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER }, parent);
    return new Trace(this.#tracer, span, trace.setSpan(parent, span), this.#metrics);
  }

  async close(): Promise<void> {
    let limit: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    const sent = Promise.allSettled([this.#tracers.shutdown(), this.#meters.shutdown()]);
    await Promise.race([sent, enough]);
    clearTimeout(limit);
  }
}

class Trace implements RequestTrace {
  readonly headers: Record<string, string> = {};
  readonly id: string;

  constructor(
    private readonly tracer: Tracer,
    private readonly span: Span,
    private readonly context: Context,
    private readonly metrics: GenAiMetrics,
  ) {
    this.id = span.spanContext().traceId;
    propagator.inject(context, this.headers, {
      set: (headers, name, value) => {
        headers[name] = value;
      },
    });
  }

  attempted(outcome: Outcome): void {
    const { backend, elapsedMs } = outcome;
    const end = Date.now();
    const answered = isResponse(outcome);
    const span = this.tracer.startSpan(
      `attempt ${backend.id}`,
      {
        kind: SpanKind.CLIENT,
        startTime: end - elapsedMs,
        attributes: {
          'switchyard.backend': backend.id,
          'server.address': new URL(backend.url).host,
          ...(answered
            ? { 'http.response.status_code': outcome.status }
            : { 'error.type': outcome.kind }),
        },
      },
      this.context,
    );
    if (!answered || outcome.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(end);
  }

  finish(record: RequestRecord): void {
    const end = Date.now();
    const { decision, readMs = 0, status, outcome } = record;
    if (decision && decision.source !== 'explicit') {
      const began = end - record.totalMs + readMs;
      const { source, reason, classifyMs } = decision;
      this.tracer
        .startSpan(
          'classify',
          {
            startTime: began,
            attributes: { 'switchyard.source': source, 'switchyard.reason': reason },
          },
          this.context,
        )
        .end(began + classifyMs);
    }
    this.span.setAttributes(requestAttributes(record));
    if (status >= 500 || outcome === 'cut by backend')
      this.span.setStatus({ code: SpanStatusCode.ERROR });
    this.span.end(end);
    this.metrics.record(record);
  }
}
