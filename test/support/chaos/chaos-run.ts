import { setTimeout as sleep } from 'node:timers/promises';
import { RedisServer } from '../redis-server.js';
import { Replicas } from '../replicas.js';
import { seededRandom } from '../seeded-random.js';
import { BACKEND_FAULTS, type BackendFault, WELL } from './faults.js';
import { LoadWatch } from './load-watch.js';
import { Traffic } from './traffic.js';

export const ROUTERS = 3;
const POOLS = { main: ['a', 'b', 'c'], other: ['d', 'e', 'f'] };
const CAPACITIES = { a: 4, b: 4, c: 3, d: 2, e: 4, f: 3 };
const LEASE_MS = 1500;
/** How long a backend is faulty, and how long it is left alone afterwards. */
const FAULTY_MS = 2500;
const CALM_MS = 700;

/** Three routers, six backends and a Redis under steady traffic, while one after the other goes wrong. */
export class ChaosRun implements AsyncDisposable {
  /** `calm`, or what is wrong: `one: killed (a)`, `many: ...`, `router killed`, `Redis away`, ... */
  phase = 'calm';
  /** Milliseconds since 1970: from when Redis was away until all counts were shared again. */
  readonly outages: { from: number; until: number }[] = [];
  /** Process ids of the routers that were killed. */
  readonly killed = new Set<number>();
  readonly traffic: Traffic;
  readonly watch: LoadWatch;
  readonly #random: () => number;

  private constructor(
    readonly replicas: Replicas,
    readonly redis: RedisServer,
    seed: number,
  ) {
    this.#random = seededRandom(seed);
    this.traffic = new Traffic(replicas, {
      random: seededRandom(seed + 1),
      requestsPerSecond: 36,
      models: { 'pool:main': 0.6, 'pool:other': 0.4 },
      phase: () => this.phase,
    });
    const capacities = new Map(Object.entries(CAPACITIES));
    this.watch = new LoadWatch(replicas.fleet, capacities, () => this.phase);
  }

  static async start(seed: number): Promise<ChaosRun> {
    const redis = await RedisServer.start();
    try {
      return new ChaosRun(await startReplicas(redis.url), redis, seed);
    } catch (error) {
      await redis[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Each way of being faulty once, on one backend after the other in a drawn order. */
  async oneFaultAtATime(): Promise<void> {
    const backends = this.#shuffled(Object.keys(CAPACITIES));
    for (const [turn, fault] of this.#shuffled(BACKEND_FAULTS).entries())
      await this.#during([[fault, backends[turn % backends.length] ?? 'a']]);
  }

  /** Two backends of one pool and one of the other at a time: in each pool one is well. */
  async manyFaults(times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      const [two = [], one = []] = this.#shuffled(Object.values(POOLS));
      const backends = [...this.#shuffled(two).slice(1), ...this.#shuffled(one).slice(2)];
      const faults = this.#shuffled(BACKEND_FAULTS).slice(0, backends.length);
      await this.#during(faults.map((fault, place) => [fault, backends[place] ?? 'a']));
    }
  }

  async killRouter(): Promise<void> {
    const index = Math.floor(this.#random() * ROUTERS);
    this.phase = 'router killed';
    this.killed.add(this.replicas.router(index).pid);
    await this.replicas.router(index).kill();
    await sleep(2 * LEASE_MS);
    await this.replicas.restart(index);
    await this.#calm();
  }

  /** It forgets everything. */
  async restartRedis(): Promise<void> {
    await this.#withoutRedis('Redis away', async () => {
      await this.redis.kill();
      await sleep(FAULTY_MS);
      await this.redis.restart();
    });
  }

  /** It answers nothing for a while, and has kept what it knew. */
  async pauseRedis(): Promise<void> {
    await this.#withoutRedis('Redis paused', async () => {
      this.redis.pause();
      await sleep(FAULTY_MS);
      this.redis.resume();
    });
  }

  /** Retries that the budgets of all routers did not allow. */
  async retriesDenied(): Promise<number> {
    let denied = 0;
    for (const index of this.replicas.routers.keys())
      for (const { retries } of (await this.replicas.status(index)).pools) denied += retries.denied;
    return denied;
  }

  /** What is wrong with all counts now that nothing runs any more; nothing, in the end. */
  async leftovers(): Promise<string[]> {
    const left: string[] = [];
    const note = (what: string, count: number) => {
      if (count !== 0) left.push(`${what}: ${count}`);
    };
    for (const index of this.replicas.routers.keys())
      for (const pool of (await this.replicas.status(index)).pools) {
        const where = `router ${index}, pool ${pool.name}`;
        note(`${where}, waiting`, pool.queue.waiting + pool.queue.waitingCluster);
        for (const { name, inFlight, inFlightCluster } of pool.backends)
          note(`${where}, in flight on ${name}`, inFlight + inFlightCluster);
      }
    for (const key of await this.redis.client.keys(`${this.replicas.prefix}:*`))
      if (/:(leases:|line:|waiting$)/.test(key)) note(key, await this.redis.client.zcard(key));
    for (const name of Object.keys(CAPACITIES)) {
      const { inFlight, queued, hanging } = this.replicas.fleet.backend(name).stats();
      note(`in flight at ${name} itself`, inFlight + queued + hanging);
    }
    return left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.watch.stop();
    await this.traffic.stop();
    await this.replicas[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
  }

  async #during(faults: [BackendFault, string][]): Promise<void> {
    const { fleet } = this.replicas;
    const many = faults.length > 1 ? 'many: ' : 'one: ';
    this.phase = many + faults.map(([{ name }, backend]) => `${name} (${backend})`).join(', ');
    for (const [fault, backend] of faults) await fault.begin(fleet, backend);
    await sleep(FAULTY_MS);
    for (const [fault, backend] of faults) await fault.end(fleet, backend);
    await this.#calm();
  }

  async #withoutRedis(phase: string, meanwhile: () => Promise<void>): Promise<void> {
    this.phase = phase;
    const from = Date.now();
    await meanwhile();
    while (!(await this.#allShared())) await sleep(50);
    this.outages.push({ from, until: Date.now() });
    await this.#calm();
  }

  async #allShared(): Promise<boolean> {
    for (const index of this.replicas.routers.keys())
      for (const { connections } of (await this.replicas.status(index)).pools)
        if (connections.counts !== 'shared' || connections.replicas !== ROUTERS) return false;
    return true;
  }

  /** The phase goes on until those that were sent in it are likely to have ended. */
  async #calm(): Promise<void> {
    await sleep(CALM_MS);
    this.phase = 'calm';
  }

  #shuffled<T>(things: readonly T[]): T[] {
    const keyed = things.map((thing) => ({ thing, key: this.#random() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ thing }) => thing);
  }
}

const startReplicas = (redisUrl: string) =>
  Replicas.start({
    count: ROUTERS,
    redisUrl,
    leaseMs: LEASE_MS,
    pools: POOLS,
    poolSettings: {
      main: { policy: 'least-connections', fallback: 'other' },
      other: { policy: 'power-of-two' },
    },
    backendSettings: Object.fromEntries(
      Object.entries(CAPACITIES).map(([name, capacity]) => [name, { capacity }]),
    ),
    settings: {
      timeouts: { connectMs: 2000, readMs: 2000 },
      health: { intervalMs: 500, timeoutMs: 1000 },
      slowStart: { ms: 2000 },
    },
    simulation: WELL,
  });
