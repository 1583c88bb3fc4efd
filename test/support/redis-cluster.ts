import { Cluster } from 'ioredis';
import { eventually } from './eventually.js';
import { RedisServer } from './redis-server.js';

const SLOTS = 16_384;

/** A Redis Cluster of real servers, each a primary of its share of the slots. */
export class RedisCluster implements AsyncDisposable {
  #client: Cluster | undefined;

  private constructor(readonly nodes: readonly RedisServer[]) {}

  static async start(size = 3): Promise<RedisCluster> {
    const started = await Promise.allSettled(
      Array.from({ length: size }, () =>
        RedisServer.start({
          args: [
            ...['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'],
            // Without replicas a node that is away takes only its own slots with it.
            ...['--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'],
          ],
        }),
      ),
    );
    const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const cluster = new RedisCluster(nodes);
    const failed = started.find((one) => one.status === 'rejected');
    try {
      if (failed) throw failed.reason;
      await cluster.#join();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** For REDIS_URL. */
  get url(): string {
    return this.nodes.map(({ url }) => url).join(',');
  }

  /** A client of the test's own, closed with the cluster. */
  get client(): Cluster {
    if (!this.#client) {
      this.#client = new Cluster(this.nodes.map(({ port }) => ({ host: '127.0.0.1', port })));
      this.#client.on('error', () => undefined);
    }
    return this.#client;
  }

  /** The node that holds a key. */
  async nodeOf(key: string): Promise<RedisServer> {
    const slot = (await this.nodes[0]?.client.cluster('KEYSLOT', key)) ?? 0;
    const node = this.nodes[Math.floor((slot * this.nodes.length) / SLOTS)];
    if (!node) throw new Error(`no node has slot ${slot}`);
    return node;
  }

  async #join(): Promise<void> {
    const [first, ...others] = this.nodes;
    for (const [index, { client }] of this.nodes.entries()) {
      const from = Math.ceil((index * SLOTS) / this.nodes.length);
      const end = Math.ceil(((index + 1) * SLOTS) / this.nodes.length);
      await client.cluster(
        'ADDSLOTS',
        ...Array.from({ length: end - from }, (_, offset) => from + offset),
      );
    }
    for (const { port } of others) await first?.client.cluster('MEET', '127.0.0.1', port);
    for (const { client } of this.nodes)
      await eventually(async () => {
        const info = String(await client.cluster('INFO'));
        if (!info.includes('cluster_state:ok') || !info.includes(`cluster_slots_ok:${SLOTS}`))
          throw new Error(`the cluster does not come together: ${info}`);
      });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.disconnect();
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
  }
}
