import { randomUUID } from 'node:crypto';
import { Fleet, type FleetOptions, type FleetStatus } from './fleet.js';
import type { ServiceProcess } from './service-process.js';
import { replaceFleet, startRouter } from './services.js';
import { temporaryDirectory } from './temporary-directory.js';

export interface ReplicaOptions extends FleetOptions {
  count: number;
  redisUrl: string;
  leaseMs?: number;
}

/** Several routers that share counts through one Redis, in front of the same simulated backends. */
export class Replicas implements AsyncDisposable {
  /** A killed one stays in its place until `restart`. */
  readonly routers: ServiceProcess[];

  private constructor(
    /** The backends, and the first router. */
    readonly fleet: Fleet,
    private readonly directory: AsyncDisposable & { path: string },
    private readonly env: Record<string, string>,
  ) {
    this.routers = [fleet.router];
  }

  static async start({ count, redisUrl, leaseMs = 1500, ...options }: ReplicaOptions) {
    const env = {
      REDIS_URL: redisUrl,
      REDIS_KEY_PREFIX: randomUUID(),
      LEASE_MS: String(leaseMs),
      ...options.env,
    };
    const fleet = await Fleet.start({ ...options, env });
    const replicas = new Replicas(fleet, await temporaryDirectory(), env);
    while (replicas.routers.length < count) replicas.routers.push(await replicas.#startRouter());
    return replicas;
  }

  get prefix(): string {
    return this.env.REDIS_KEY_PREFIX ?? '';
  }

  router(index: number): ServiceProcess {
    const router = this.routers[index];
    if (!router) throw new Error(`no router ${index}`);
    return router;
  }

  /** A new process in the place of one that is gone; it listens somewhere else. */
  async restart(index: number): Promise<void> {
    this.routers[index] = await this.#startRouter();
  }

  /** Changes the configuration files of all of them. */
  async configure(yaml: string): Promise<void> {
    await this.fleet.configure(yaml);
    await replaceFleet(this.directory.path, yaml);
  }

  /** What an operator says to one of them. */
  administer(index: number, pool: string, backend: string, change: object): Promise<Response> {
    return fetch(`${this.router(index).url}/admin/pools/${pool}/backends/${backend}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(change),
    });
  }

  chat(index: number, body: Record<string, unknown>, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.router(index).url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], ...body }),
      ...init,
    });
  }

  async status(index: number): Promise<FleetStatus> {
    return (await fetch(`${this.router(index).url}/status`)).json() as Promise<FleetStatus>;
  }

  #startRouter(): Promise<ServiceProcess> {
    return startRouter({ directory: this.directory.path, yaml: this.fleet.yaml, env: this.env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.routers.map((router) => router[Symbol.asyncDispose]()));
    await this.fleet[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }
}
