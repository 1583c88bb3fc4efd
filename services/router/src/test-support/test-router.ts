import { createLogger, createRegistry } from '@switchyard/service-kit';
import type { Agent } from 'undici';
import { MemoryAdminOverrides } from '../administration/memory-admin-overrides.js';
import { createApp } from '../app.js';
import { ClientKeys } from '../authentication.js';
import { BackendRegistry } from '../backends/backend-registry.js';
import { parseFleet } from '../configuration/load-fleet.js';
import type { Fleet } from '../configuration/schema.js';
import { MemoryConnectionLedger } from '../connections/memory-connection-ledger.js';
import { ClientLimits } from '../limits/client-limits.js';
import { RequestRates } from '../limits/request-rates.js';
import { createBackendDispatcher } from '../proxy/backend-dispatcher.js';
import { BodyBudget } from '../proxy/body-budget.js';
import { type RequestRecord, RequestRecorder } from '../proxy/request-record.js';
import { RunningRequests } from '../proxy/running-requests.js';
import { ShadowCopies } from '../proxy/shadow-copies.js';
import { IntentSource } from '../routing/intent-source.js';
import { PoolChooser } from '../routing/pool-chooser.js';
import { noTelemetry } from '../telemetry/telemetry.js';
import { httpServer, type TestServer } from './servers.js';

export const quiet = createLogger('test', 'silent');

export interface TestRouterOptions {
  /** Backend name -> URL; they form the pool "all". */
  backends: Record<string, string>;
  /** YAML of the pool beside its backends. */
  pool?: string;
  /** YAML after the pools. */
  yaml?: string;
  /** YAML beside the name and URL of each backend. */
  backend?: string;
  intents?: Pick<IntentSource, 'classify'>;
  apiKeys?: ReadonlyMap<string, string>;
  maxBodyBytes?: number;
  maxBufferedBytes?: number;
  readMs?: number;
}

/** Of a configuration that is never reloaded. */
const UNCHANGED = {
  path: '',
  version: '',
  appliedAt: '',
  applied: 0,
  refused: 0,
  problems: [],
  refusedAt: null,
};

/** A fleet from YAML; throws when there is anything wrong with it. */
export function fleetOf(yaml: string): Fleet {
  const problems: string[] = [];
  const fleet = parseFleet(yaml, {}, problems);
  if (!fleet) throw new Error(problems.join('\n'));
  return fleet;
}

class Recording extends RequestRecorder {
  readonly records: RequestRecord[] = [];
  override finish(record: RequestRecord): void {
    this.records.push(record);
    super.finish(record);
  }
}

/** The router's app on a real socket in this process; no health checks, no classifier. */
export class TestRouter implements AsyncDisposable {
  readonly url: string;

  private constructor(
    private readonly server: TestServer,
    readonly registry: BackendRegistry,
    readonly ledger: MemoryConnectionLedger,
    private readonly recorder: Recording,
    private readonly dispatcher: Agent,
  ) {
    this.url = server.url;
  }

  static async start(options: TestRouterOptions): Promise<TestRouter> {
    const backends = Object.entries(options.backends).map(
      ([name, url]) =>
        `{ name: ${name}, url: "${url}"${options.backend ? `, ${options.backend}` : ''} }`,
    );
    const settings = options.pool ? `, ${options.pool}` : '';
    const pool = `backends: [${backends.join(', ')}]${settings}`;
    const parsed = fleetOf(`pools: { all: { ${pool} } }\ndefault: all\n${options.yaml ?? ''}`);
    const fleet = {
      ...parsed,
      timeouts: { ...parsed.timeouts, ...(options.readMs && { readMs: options.readMs }) },
    };
    const registry = new BackendRegistry(fleet);
    const ledger = new MemoryConnectionLedger();
    const dispatcher = createBackendDispatcher(() => fleet.timeouts.connectMs);
    const metrics = createRegistry();
    const recorder = new Recording(quiet, metrics, () => false);
    // Not started: it has no change feed, and is asked only by /status.
    const intents = new IntentSource({
      url: 'http://127.0.0.1:9',
      timeoutMs: 1,
      cacheSize: 0,
      logger: quiet,
    });
    const chooser = new PoolChooser(fleet, registry, options.intents ?? intents);
    const inForce = { fleet, registry, chooser };
    const app = createApp({
      current: () => inForce,
      shadows: new ShadowCopies({ ledger, dispatcher, logger: quiet, metrics }),
      overrides: new MemoryAdminOverrides(() => undefined),
      configuration: { status: UNCHANGED },
      ledger,
      dispatcher,
      intents,
      keys: new ClientKeys(options.apiKeys, undefined),
      clientLimits: new ClientLimits(new RequestRates(undefined, 'test'), ledger),
      recorder,
      telemetry: noTelemetry,
      logger: quiet,
      metrics,
      adminToken: undefined,
      maxBodyBytes: options.maxBodyBytes ?? 32 * 1024 * 1024,
      bodies: new BodyBudget(options.maxBufferedBytes ?? 256 * 1024 * 1024),
      running: new RunningRequests(),
      stopping: new AbortController().signal,
    });
    const server = await httpServer(app);
    return new TestRouter(server, registry, ledger, recorder, dispatcher);
  }

  /** Of all requests that have ended, oldest first. */
  get records(): readonly RequestRecord[] {
    return this.recorder.records;
  }

  /** Connections of clients that are open. */
  get connections(): number {
    return this.server.sockets.size;
  }

  /** Requests that hold a slot. */
  get inFlight(): number {
    return this.registry
      .backends()
      .reduce((sum, { id }) => sum + this.ledger.inFlight('all', id).here, 0);
  }

  post(path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.dispatcher.destroy();
  }
}
