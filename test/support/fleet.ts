import {
  type SimulatedBackend,
  type StartOptions,
  startSimulatedBackend,
} from '@switchyard/simulated-backend';
import { stringify } from 'yaml';
import { eventually } from './eventually.js';
import type { ServiceProcess } from './service-process.js';
import { replaceFleet, startRouter } from './services.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface FleetOptions {
  /** Pool -> names of its simulated backends. */
  pools: Record<string, string[]>;
  /** Merged over the pool of that name. */
  poolSettings?: Record<string, Record<string, unknown>>;
  /** Merged over the entry of the backend of that name. */
  backendSettings?: Record<string, Record<string, unknown>>;
  /** Merged over the configuration. */
  settings?: Record<string, unknown>;
  /** For every simulated backend; answers come at once unless it says otherwise. */
  simulation?: StartOptions;
  classifierUrl?: string;
  env?: Record<string, string>;
}

/** A real router in front of simulated backends. */
export class Fleet implements AsyncDisposable {
  private constructor(
    readonly router: ServiceProcess,
    /** Its configuration, for a replica. */
    public yaml: string,
    private readonly backends: Map<string, SimulatedBackend>,
    private readonly simulation: StartOptions,
    private readonly directory: AsyncDisposable & { path: string },
  ) {}

  static async start(options: FleetOptions): Promise<Fleet> {
    const directory = await temporaryDirectory();
    const backends = new Map<string, SimulatedBackend>();
    const simulation = { ttftMs: 0, tokensPerSecond: 0, slots: 100, ...options.simulation };
    for (const name of new Set(Object.values(options.pools).flat()))
      backends.set(name, await startSimulatedBackend({ name, ...simulation }));
    const pools = Object.entries(options.pools).map(([pool, names]) => [
      pool,
      {
        backends: names.map((name) => ({
          name,
          url: backends.get(name)?.url,
          ...options.backendSettings?.[name],
        })),
        ...options.poolSettings?.[pool],
      },
    ]);
    const yaml = stringify({
      pools: Object.fromEntries(pools),
      default: Object.keys(options.pools)[0],
      ...options.settings,
    });
    const router = await startRouter({
      directory: directory.path,
      yaml,
      ...(options.classifierUrl !== undefined && { classifierUrl: options.classifierUrl }),
      ...(options.env && { env: options.env }),
    });
    return new Fleet(router, yaml, backends, simulation, directory);
  }

  get url(): string {
    return this.router.url;
  }

  backend(name: string): SimulatedBackend {
    const backend = this.backends.get(name);
    if (!backend) throw new Error(`no simulated backend "${name}"`);
    return backend;
  }

  /** Ends it at once, with all its connections; its place stays. */
  async killBackend(name: string): Promise<void> {
    await this.backend(name).close();
  }

  /** Starts it again where it was, as it was at first. */
  async returnBackend(name: string): Promise<void> {
    const { port } = this.backend(name);
    this.backends.set(name, await startSimulatedBackend({ name, ...this.simulation, port }));
  }

  /** `POST` of JSON; an object is serialised, a string or bytes go as they are. */
  post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
    const raw = typeof body === 'string' || body instanceof Uint8Array;
    return fetch(this.url + path, {
      method: 'POST',
      body: raw ? (body as string) : JSON.stringify(body),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    });
  }

  chat(
    prompt: string,
    extra: Record<string, unknown> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    const messages = [{ role: 'user', content: prompt }];
    const init = signal ? { signal } : {};
    return this.post('/v1/chat/completions', { model: 'auto', messages, ...extra }, init);
  }

  /** Changes the configuration file of the running router. */
  async configure(yaml: string): Promise<void> {
    this.yaml = yaml;
    await replaceFleet(this.directory.path, yaml);
  }

  async status(): Promise<FleetStatus> {
    return (await fetch(`${this.url}/status`)).json() as Promise<FleetStatus>;
  }

  /** Resolves when no request holds a slot; throws when one is left behind. */
  async allLeasesReturned(): Promise<void> {
    await eventually(async () => {
      const { pools } = await this.status();
      for (const { backends } of pools)
        for (const { name, inFlight } of backends)
          if (inFlight !== 0) throw new Error(`${name} still holds ${inFlight}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.router[Symbol.asyncDispose]();
    for (const backend of this.backends.values()) await backend.close();
    await this.directory[Symbol.asyncDispose]();
  }
}

export interface FleetStatus {
  pools: {
    name: string;
    retries: { budgetLeft: number; taken: number; denied: number };
    hedging: { afterMs: number | null; sent: number; won: number } | null;
    queue: { waiting: number; waitingCluster: number; refusedFull: number; refusedLate: number };
    connections: { kind: string; counts: string; replicas: number };
    variants: { name: string; percent: number }[];
    affinity: { home: number; away: number } | null;
    backends: {
      name: string;
      state: string;
      weight: number;
      healthy: boolean;
      inFlight: number;
      inFlightCluster: number;
      capacity: number | null;
      health: string;
      ejections: { consecutive: number; errorRate: number };
      deferredForMs: number;
      effectiveWeight: number;
      latencyEstimateMs: number | null;
    }[];
  }[];
  administration: { kind: string; state: string };
  configuration: { version: string; applied: number; refused: number; problems: string[] };
  classifier: { connected: boolean; indexVersion: number | null; breaker: string };
}
