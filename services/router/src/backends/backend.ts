import type { Candidate } from '../balancing/policy.js';
import type { BackendSpec } from '../configuration/schema.js';
import type { WarmSettings } from '../configuration/warm-settings.js';
import type { BackendHealth, HealthState } from './backend-health.js';
import { PeakEwma } from './peak-ewma.js';

export type AdminState = 'active' | 'draining' | 'disabled';

/** How well it is for a request: `warming` is healthy, but for the model that it loads. */
export type Standing = HealthState | 'warming';

/** Whether its model is loaded: as far as is known, or asked for. */
export type Warmth = 'warm' | 'cold' | 'warming';

/** Absent: as in the file. */
export interface AdminOverride {
  readonly state?: AdminState;
  readonly weight?: number;
}

/** Share of a new sample in the moving average of the time to first byte. */
const LATENCY_GAIN = 0.2;

/** One server in one pool. */
export class Backend {
  readonly id: string;
  readonly name: string;
  /** Requests that it says it works on at a time, when no capacity is configured. */
  discoveredCapacity: number | undefined;
  /** What operators say of it, over what the file says. */
  admin: AdminOverride = {};
  warmth: Warmth = 'warm';
  /** Model ids of its `/v1/models`, when no model is configured. */
  discoveredModels: readonly string[] = [];
  /** Requests that were sent to warm it, and those of them that failed. */
  readonly warmUps = { sent: 0, failed: 0 };
  requests = 0;
  failures = 0;
  /** Moving average in milliseconds; undefined before the first answer. */
  timeToFirstByteMs: number | undefined;
  /** What the next request is expected to wait for its first byte. */
  readonly latency = new PeakEwma();

  constructor(
    pool: string,
    private spec: BackendSpec,
    readonly health: BackendHealth,
  ) {
    this.id = `${pool}/${spec.name}`;
    this.name = spec.name;
  }

  /** The file says something new of it; what is known of it stays. Its URL is the same. */
  reconfigure(spec: BackendSpec): void {
    this.spec = spec;
  }

  get url(): string {
    return this.spec.url;
  }

  get healthPath(): string {
    return this.spec.health.path;
  }

  get state(): AdminState {
    return this.admin.state ?? 'active';
  }

  get weight(): number {
    return this.admin.weight ?? this.spec.weight;
  }

  get standing(): Standing {
    const { state } = this.health;
    return state === 'healthy' && this.warmth === 'warming' ? 'warming' : state;
  }

  get isCold(): boolean {
    return this.warmth === 'cold';
  }

  /** undefined: nothing is done about a model that is not loaded. */
  get warm(): WarmSettings | undefined {
    return this.spec.warm || undefined;
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
    if (this.warmth === 'cold') this.warmth = 'warm';
    this.latency.answered(milliseconds);
    const average = this.timeToFirstByteMs ?? milliseconds;
    this.timeToFirstByteMs = average + LATENCY_GAIN * (milliseconds - average);
  }
}
