import { createHash } from 'node:crypto';
import type { Classification } from '@switchyard/contracts';
import type { Logger } from '@switchyard/service-kit';
import { LRUCache } from 'lru-cache';
import { ChangeFeed } from './change-feed.js';
import { ClassifierClient } from './classifier-client.js';

export interface Classified {
  classification: Classification;
  source: 'classifier' | 'cache';
}

export interface IntentSourceOptions {
  url: string;
  timeoutMs: number;
  cacheSize: number;
  logger: Logger;
}

/** A text's digest takes its place: ten thousand texts of 8192 characters would be 160 MB. */
const keyOf = (text: string) => createHash('sha256').update(text).digest('base64');

/**
 * Classifications, from the cache where it is current and else from the classifier. An entry holds
 * only for the index version it was made with and only while the change feed is connected;
 * identical prompts at the same time share one call.
 */
export class IntentSource {
  readonly #client: ClassifierClient;
  readonly #feed: ChangeFeed;
  #cache: LRUCache<string, Classification> | undefined;
  readonly #running = new Map<string, Promise<Classification>>();
  /** Counts losses of the feed: a call from before one, or from without, must not fill the cache. */
  #epoch = 0;

  constructor({ url, timeoutMs, cacheSize, logger }: IntentSourceOptions) {
    this.#client = new ClassifierClient(url, timeoutMs);
    this.keepAtMost(cacheSize);
    this.#feed = new ChangeFeed(url, logger, () => {
      // The next classifier may count its versions from anywhere.
      this.#epoch++;
      this.#cache?.clear();
    });
  }

  /** So many decisions; those kept so far are forgotten when it is another number. 0: none. */
  keepAtMost(count: number): void {
    if (count === (this.#cache?.max ?? 0)) return;
    this.#cache = count > 0 ? new LRUCache({ max: count }) : undefined;
  }

  start(): void {
    this.#feed.start();
  }

  get status() {
    return {
      connected: this.#feed.version !== undefined,
      indexVersion: this.#feed.version ?? null,
      breaker: this.#client.breaker,
      cached: this.#cache?.size ?? 0,
    };
  }

  /** Rejects with ClassifierUnavailable, within the time-out or what is left of it. */
  async classify(text: string, withinMs?: number): Promise<Classified> {
    const { version } = this.#feed;
    const key = keyOf(text);
    const cached = version === undefined ? undefined : this.#cache?.get(key);
    if (cached && cached.indexVersion === version)
      return { classification: cached, source: 'cache' };
    const classification = await this.#ask(text, key, version, withinMs);
    return { classification, source: 'classifier' };
  }

  async close(): Promise<void> {
    await this.#feed.close();
    await this.#client.close();
  }

  /** A call that began at another version is not shared: its answer may be from before a change. */
  #ask(
    text: string,
    key: string,
    version: number | undefined,
    withinMs: number | undefined,
  ): Promise<Classification> {
    const call = `${this.#epoch}:${version ?? ''}:${key}`;
    const running = this.#running.get(call);
    if (running) return running;
    const epoch = this.#epoch;
    const asked = this.#client
      .classify(text, withinMs)
      .then((classification) => {
        if (version !== undefined && epoch === this.#epoch) this.#cache?.set(key, classification);
        return classification;
      })
      .finally(() => this.#running.delete(call));
    this.#running.set(call, asked);
    return asked;
  }
}
