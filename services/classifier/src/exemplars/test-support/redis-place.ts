import { randomUUID } from 'node:crypto';
import { createLogger, parseRedisUrl } from '@switchyard/service-kit';
import type { Change } from '../exemplar-store.js';
import { RedisExemplarStore, type RedisStoreOptions } from '../redis-exemplar-store.js';

export type ReplicaOptions = Partial<RedisStoreOptions> & { url?: string };

/** A store, the changes it told of, and how often it was read anew. */
export class Replica implements AsyncDisposable {
  readonly changes: Change[] = [];
  reloads = 0;

  constructor(readonly store: RedisExemplarStore) {
    store.onReload(async () => {
      this.reloads++;
    });
  }

  follow(): this {
    this.store.onChange((change) => {
      this.changes.push(change);
    });
    return this;
  }

  get versions(): number[] {
    return this.changes.map(({ version }) => version);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.store.close();
  }
}

/** Exemplars under a prefix of their own; its replicas are closed with it. */
export class RedisPlace implements AsyncDisposable {
  readonly prefix = randomUUID();
  readonly #replicas: Replica[] = [];

  constructor(private readonly url: string) {}

  async open(options: ReplicaOptions = {}): Promise<Replica> {
    const { url = this.url, ...rest } = options;
    const store = await RedisExemplarStore.open({
      location: parseRedisUrl(url),
      prefix: this.prefix,
      modelDigest: 'model',
      maxIntents: 100,
      logger: createLogger('test', 'silent'),
      ...rest,
    });
    const replica = new Replica(store);
    this.#replicas.push(replica);
    return replica;
  }

  key(name: string): string {
    return `{${this.prefix}}:exemplars:${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica[Symbol.asyncDispose]()));
  }
}
