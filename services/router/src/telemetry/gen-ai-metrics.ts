import type { Attributes, Histogram, Meter } from '@opentelemetry/api';
import type { RequestRecord } from '../proxy/request-record.js';
import { operationOf } from './request-attributes.js';

/** Bucket boundaries that the semantic conventions advise. */
const DURATION = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
const PER_TOKEN = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const TOKENS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304];

/** The GenAI metrics of the OpenTelemetry semantic conventions, by pool and backend. */
export class GenAiMetrics {
  readonly #duration: Histogram;
  readonly #firstToken: Histogram;
  readonly #perToken: Histogram;
  readonly #tokens: Histogram;

  constructor(meter: Meter) {
    const histogram = (name: string, unit: string, explicitBucketBoundaries: number[]) =>
      meter.createHistogram(name, { unit, advice: { explicitBucketBoundaries } });
    this.#duration = histogram('gen_ai.server.request.duration', 's', DURATION);
    this.#firstToken = histogram('gen_ai.server.time_to_first_token', 's', FIRST_TOKEN);
    this.#perToken = histogram('gen_ai.server.time_per_output_token', 's', PER_TOKEN);
    this.#tokens = histogram('gen_ai.client.token.usage', '{token}', TOKENS);
  }

  record(record: RequestRecord): void {
    const operation = operationOf(record);
    if (operation === undefined) return;
    const { firstByteMs, totalMs, usage, streamed } = record;
    const attributes: Attributes = {
      'gen_ai.operation.name': operation,
      'gen_ai.response.model': record.model,
      'switchyard.pool': record.pool,
      'switchyard.backend': record.backend,
      ...(record.status >= 400 && { 'error.type': String(record.status) }),
    };
    this.#duration.record(totalMs / 1000, attributes);
    if (firstByteMs === undefined || record.status >= 400) return;
    // Of an answer that comes as a whole nobody knows when its first token was there.
    if (streamed) this.#firstToken.record(firstByteMs / 1000, attributes);
    if (!usage) return;
    const { inputTokens, outputTokens } = usage;
    this.#tokens.record(inputTokens, { ...attributes, 'gen_ai.token.type': 'input' });
    this.#tokens.record(outputTokens, { ...attributes, 'gen_ai.token.type': 'output' });
    if (streamed && outputTokens > 1)
      this.#perToken.record((totalMs - firstByteMs) / 1000 / (outputTokens - 1), attributes);
  }
}
