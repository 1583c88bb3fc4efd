import type { Candidate } from '../balancing/policy.js';
import type { BackendSpec } from '../configuration/schema.js';
import type { BackendHealth } from './backend-health.js';
import { PeakEwma } from './peak-ewma.js';

export type AdminState = 'active' | 'draining' | 'disabled';

/** Share of a new sample in the moving average of the time to first byte. */
const LATENCY_GAIN = 0.2;

/** One server in one pool. */
export class Backend {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly healthPath: string;
  /** Requests that it says it works on at a time, when no capacity is configured. */
  discoveredCapacity: number | undefined;
  weight: number;
  state: AdminState = 'active';
  /** Model ids of its `/v1/models`, when no model is configured. */
  discoveredModels: readonly string[] = [];
  requests = 0;
  failures = 0;
  /** Moving average in milliseconds; undefined before the first answer. */
  timeToFirstByteMs: number | undefined;
  /** What the next request is expected to wait for its first byte. */
  readonly latency = new PeakEwma();

  constructor(
    pool: string,
    private readonly spec: BackendSpec,
    readonly health: BackendHealth,
  ) {
    this.id = `${pool}/${spec.name}`;
    this.name = spec.name;
    this.url = spec.url;
    this.healthPath = spec.health.path;
    this.weight = spec.weight;
  }

  get configuredCapacity(): number | undefined {
    return this.spec.capacity;
  }

  /** Requests at a time; Infinity for no limit. */
  get capacity(): number {
    return this.spec.capacity ?? this.discoveredCapacity ?? Number.POSITIVE_INFINITY;
  }

  /** Its weight, less while it starts slowly. */
  get effectiveWeight(): number {
    return this.weight * this.health.weightShare;
  }

  /** As policies and the ledger see it now. */
  get candidate(): Candidate {
    const { id, capacity, effectiveWeight: weight } = this;
    return { id, capacity, weight, latencyMs: this.latency.estimateMs };
  }

  get configuredModel(): string | undefined {
    return this.spec.model;
  }

  /** Sent to the backend; what the client sent to us never is. */
  get authorization(): Record<string, string> {
    return this.spec.apiKey ? { authorization: `Bearer ${this.spec.apiKey}` } : {};
  }

  get models(): readonly string[] {
    return this.spec.model === undefined ? this.discoveredModels : [this.spec.model];
  }

  /** What `model` becomes on the way to this backend; undefined: the field is dropped. */
  modelFor(asked: string | undefined): string | undefined {
    if (asked !== undefined && this.models.includes(asked)) return asked;
    return this.models[0];
  }

  answeredAfter(milliseconds: number): void {
    this.latency.answered(milliseconds);
    const average = this.timeToFirstByteMs ?? milliseconds;
    this.timeToFirstByteMs = average + LATENCY_GAIN * (milliseconds - average);
  }
}
