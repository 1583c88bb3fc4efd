import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger, RedisConnection } from '@switchyard/service-kit';
import type { AdminOverride } from '../backends/backend.js';
import { adminKey } from '../connections/redis-keys.js';
import type { AdminChange, AdminOverrides, AdminStatus } from './admin-overrides.js';
import { overrideOf, textsOf } from './override-table.js';

/** Well within the second in which every router follows. */
const LOOK_MS = 250;
/** No backend's field has this name: theirs have a slash. */
const VERSION = 'version';

export interface RedisAdminOptions {
  connection: RedisConnection;
  prefix: string;
  /** Called after every change, whoever made it. */
  onChange: () => void;
  logger: Logger;
}

/**
 * Of all routers on one Redis, where they survive restarts. Every router asks for the version a few
 * times a second, and for everything when it is another one. While Redis is away changes are of
 * this router, which tells the others when it is back; of two that changed the same, the later to
 * return wins. A Redis that lost everything gets it from the routers that know it.
 */
export class RedisAdminOverrides implements AdminOverrides {
  readonly #key: string;
  readonly #stop = new AbortController();
  #texts = new Map<string, string>();
  /** Changes that Redis has not got yet. */
  readonly #unsent = new Map<string, string>();
  #version: string | null = null;
  /** Counts changes made here: an answer from before one does not undo it. */
  #changes = 0;
  #isThere = true;
  readonly #loop: Promise<void>;

  private constructor(private readonly options: RedisAdminOptions) {
    this.#key = adminKey(options.prefix);
    this.#loop = this.#follow();
  }

  /** Resolves when it knows what Redis knows, or Redis is found to be away. */
  static async open(options: RedisAdminOptions): Promise<RedisAdminOverrides> {
    const overrides = new RedisAdminOverrides(options);
    await overrides.#look();
    return overrides;
  }

  get status(): AdminStatus {
    const isLocal = !this.#isThere || this.#unsent.size > 0;
    return { kind: 'shared', state: isLocal ? 'local' : 'shared' };
  }

  of(backendId: string): AdminOverride {
    return overrideOf(backendId, this.#texts);
  }

  async change(backendId: string, change: AdminChange): Promise<void> {
    this.#changes++;
    for (const [field, text] of Object.entries(textsOf(backendId, change))) {
      this.#texts.set(field, text);
      this.#unsent.set(field, text);
    }
    this.options.onChange();
    await this.#attempt(() => this.#send());
    if (this.status.state === 'local')
      this.options.logger.warn(
        { backend: backendId },
        'Redis is away: the other routers follow this change when it is back',
      );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.#look();
    }
  }

  #look(): Promise<void> {
    return this.#attempt(async () => {
      await this.#send();
      const { client } = this.options.connection;
      const version = await client.hget(this.#key, VERSION);
      if (version === this.#version) return;
      if (version === null) await this.#restore();
      else await this.#take();
    });
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.#isThere = true;
    } catch {
      // The connection says so in the log; the next look tries again.
      this.#isThere = false;
    }
  }

  async #send(): Promise<void> {
    if (this.#unsent.size === 0) return;
    const sent = new Map(this.#unsent);
    const fields = { ...Object.fromEntries(sent), [VERSION]: randomUUID() };
    await this.options.connection.client.hset(this.#key, fields);
    for (const [field, text] of sent)
      if (this.#unsent.get(field) === text) this.#unsent.delete(field);
  }

  async #take(): Promise<void> {
    const changes = this.#changes;
    const all = await this.options.connection.client.hgetall(this.#key);
    if (changes !== this.#changes) return;
    const { [VERSION]: version = null, ...texts } = all;
    this.#version = version;
    this.#texts = new Map(Object.entries(texts));
    this.options.onChange();
  }

  /** Redis has lost what it knew. Whoever is first tells it; what somebody said since then stays. */
  async #restore(): Promise<void> {
    this.#version = null;
    const { client } = this.options.connection;
    for (const [field, text] of this.#texts) await client.hsetnx(this.#key, field, text);
    if (this.#texts.size > 0) await client.hset(this.#key, VERSION, randomUUID());
  }
}
