import {
  Counter,
  Histogram,
  type Logger,
  type Registry,
  TalliedCounter,
} from '@switchyard/service-kit';
import type { Decision } from '../routing/decision.js';
import type { RelayEnd } from './relay.js';
import { RequestLog } from './request-log.js';
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
  readMs?: number | undefined;
  /** Spent waiting for a slot, when all backends were busy. */
  queuedMs?: number | undefined;
  firstByteMs?: number | undefined;
  totalMs: number;
  /** What the client asked for, and the backend's own name of the model. */
  askedModel?: string | undefined;
  model?: string | undefined;
  usage?: TokenUsage | undefined;
  /** Whether the answer came as events. */
  streamed?: boolean | undefined;
  traceId?: string | undefined;
}

/** None may be left out, not even an optional one. */
export type AllFields<T> = { [K in keyof Required<T>]: T[K] };

/** With every field, known or not, from the beginning: an object that grows is a slow one. */
export const newRecord = (
  known: Pick<RequestRecord, 'requestId' | 'method' | 'path' | 'traceId'>,
): AllFields<RequestRecord> => ({
  requestId: known.requestId,
  method: known.method,
  path: known.path,
  client: undefined,
  decision: undefined,
  pool: undefined,
  backend: undefined,
  variant: undefined,
  attempts: 0,
  hedges: 0,
  status: 0,
  outcome: 'error',
  readMs: undefined,
  queuedMs: undefined,
  firstByteMs: undefined,
  totalMs: 0,
  askedModel: undefined,
  model: undefined,
  usage: undefined,
  streamed: undefined,
  traceId: known.traceId,
});

const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** One log line and the metrics of every proxied request. */
export class RequestRecorder {
  readonly #log: RequestLog;
  readonly #requests: TalliedCounter<
    'source' | 'intent' | 'pool' | 'backend' | 'variant' | 'status' | 'outcome'
  >;
  readonly #retries: Counter;
  readonly #firstByte: Histogram;
  readonly #total: Histogram;
  readonly #classify: Histogram;
  readonly #queued: Histogram;
  readonly #tokens: TalliedCounter<'pool' | 'backend' | 'type'>;

  /** Intents that have a route are named in metrics; any other is "other", so that labels stay few. */
  constructor(
    logger: Logger,
    registry: Registry,
    private readonly isRouted: (intent: string) => boolean,
  ) {
    this.#log = new RequestLog(logger);
    const registers = [registry];
    this.#requests = new TalliedCounter({
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
    this.#tokens = new TalliedCounter({
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

  /** Writes the lines that are still to come. */
  close(): void {
    this.#log.close();
  }

  finish(record: RequestRecord): void {
    const { decision } = record;
    const source = decision?.source;
    const intent = decision?.intent;
    this.#log.add(record);
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
  const fits = requestId.length <= MAX_EXEMPLAR_ID;
  if (traceId === undefined) return fits ? { request_id: requestId } : {};
  return fits ? { request_id: requestId, trace_id: traceId } : { trace_id: traceId };
}
