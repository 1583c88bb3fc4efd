import { Counter, Histogram, type Logger, type Registry } from '@switchyard/service-kit';
import type { Decision } from '../routing/decision.js';
import type { RelayEnd } from './relay.js';
import type { TokenUsage } from './token-usage.js';

/** What is known of a proxied request when it ends; milliseconds from its arrival. */
export interface RequestRecord {
  requestId: string;
  method: string;
  path: string;
  client?: string | undefined;
  decision?: Decision | undefined;
  /** Where it was served: a fallback's pool when it spilled. */
  pool?: string | undefined;
  backend?: string | undefined;
  /** Of a pool that has some. */
  variant?: string | undefined;
  attempts: number;
  /** Of the attempts, second copies sent to a second backend. */
  hedges: number;
  status: number;
  outcome: RelayEnd['outcome'] | 'error';
  /** Until the whole request was here. */
  readMs?: number;
  /** Spent waiting for a slot, when all backends were busy. */
  queuedMs?: number;
  firstByteMs?: number | undefined;
  totalMs: number;
  /** What the client asked for, and the backend's own name of the model. */
  askedModel?: string | undefined;
  model?: string | undefined;
  usage?: TokenUsage | undefined;
  /** Whether the answer came as events. */
  streamed?: boolean;
  traceId?: string | undefined;
}

const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** One log line and the metrics of every proxied request. */
export class RequestRecorder {
  readonly #requests: Counter;
  readonly #retries: Counter;
  readonly #firstByte: Histogram;
  readonly #total: Histogram;
  readonly #classify: Histogram;
  readonly #queued: Histogram;
  readonly #tokens: Counter;

  /** Intents that have a route are named in metrics; any other is "other", so that labels stay few. */
  constructor(
    private readonly logger: Logger,
    registry: Registry,
    private readonly isRouted: (intent: string) => boolean,
  ) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'switchyard_requests_total',
      help: 'Proxied requests by how they were routed and how they ended.',
      labelNames: ['source', 'intent', 'pool', 'backend', 'variant', 'status', 'outcome'],
      registers,
    });
    this.#retries = new Counter({
      name: 'switchyard_retries_total',
      help: 'Attempts beyond the first, without hedges.',
      labelNames: ['pool'],
      registers,
    });
    this.#firstByte = new Histogram({
      name: 'switchyard_time_to_first_byte_seconds',
      help: 'From the arrival of a request to the first byte of its answer.',
      labelNames: ['pool', 'variant'],
      buckets: LATENCY_BUCKETS,
      enableExemplars: true,
      registers,
    });
    this.#total = new Histogram({
      name: 'switchyard_request_duration_seconds',
      help: 'From the arrival of a request to the end of its answer.',
      labelNames: ['pool', 'variant'],
      buckets: LATENCY_BUCKETS,
      enableExemplars: true,
      registers,
    });
    this.#queued = new Histogram({
      name: 'switchyard_queue_wait_seconds',
      help: 'Wait for a slot of requests that found all backends busy, by the pool they were for.',
      labelNames: ['pool'],
      buckets: LATENCY_BUCKETS,
      registers,
    });
    this.#tokens = new Counter({
      name: 'switchyard_tokens_total',
      help: 'Tokens that backends say they read (input) and wrote (output).',
      labelNames: ['pool', 'backend', 'type'],
      registers,
    });
    this.#classify = new Histogram({
      name: 'switchyard_classify_duration_seconds',
      help: 'Time to an intent, by where it came from.',
      labelNames: ['source'],
      buckets: [0.0001, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers,
    });
  }

  finish(record: RequestRecord): void {
    const { decision, ...rest } = record;
    const { source, intent, confidence, classifyMs } = decision ?? {};
    this.logger.info({ ...rest, source, intent, confidence, classifyMs }, 'request');
    const pool = record.pool ?? 'none';
    const variant = record.variant ?? 'none';
    const knownIntent = intent !== undefined && this.isRouted(intent) ? intent : 'other';
    this.#requests.inc({
      source: source ?? 'none',
      intent: intent === undefined ? 'none' : knownIntent,
      pool,
      backend: record.backend ?? 'none',
      variant,
      status: record.status,
      outcome: record.outcome,
    });
    const retries = record.attempts - record.hedges - 1;
    if (retries > 0) this.#retries.inc({ pool: decision?.pool ?? 'none' }, retries);
    const exemplarLabels = exemplarOf(record);
    const observe = (histogram: Histogram, ms: number) =>
      histogram.observe({ labels: { pool, variant }, value: ms / 1000, exemplarLabels });
    if (record.firstByteMs !== undefined) observe(this.#firstByte, record.firstByteMs);
    observe(this.#total, record.totalMs);
    const { usage, backend } = record;
    if (usage && backend !== undefined) {
      this.#tokens.inc({ pool, backend, type: 'input' }, usage.inputTokens);
      this.#tokens.inc({ pool, backend, type: 'output' }, usage.outputTokens);
    }
    if (record.queuedMs !== undefined)
      this.#queued.observe({ pool: decision?.pool ?? 'none' }, record.queuedMs / 1000);
    if (decision && source && source !== 'explicit')
      this.#classify.observe({ source }, decision.classifyMs / 1000);
  }
}

/** An exemplar's labels have at most 128 characters together. */
const MAX_EXEMPLAR_ID = 64;

function exemplarOf({ requestId, traceId }: RequestRecord): Record<string, string> {
  return {
    ...(requestId.length <= MAX_EXEMPLAR_ID && { request_id: requestId }),
    ...(traceId !== undefined && { trace_id: traceId }),
  };
}
