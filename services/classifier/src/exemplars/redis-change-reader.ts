import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Logger, RedisConnection } from '@switchyard/service-kit';
import { notAppliedYet } from '../errors.js';
import type { Change } from './exemplar-store.js';
import { parseEntry, type StreamEntry } from './redis-change.js';
import { guarded, isPassing } from './redis-failure.js';
import type { Position, RedisTables } from './redis-tables.js';

/** Entries read at once: with 64 exemplars each, 6 MB of vectors. */
const AT_ONCE = 64;
/** After so long without a change it is checked that the history still is the same. */
const QUIET_MS = 1000;
const PAUSE_MS = 100;
/** How long a change that was written may take to arrive here. */
const ARRIVAL_MS = 5000;

export interface ChangeReaderOptions {
  /**
   * Nothing else is sent on it, since reading blocks it. It has time-outs, which are longer than
   * one read, so that a connection that died in silence is noticed.
   */
  stream: RedisConnection;
  tables: RedisTables;
  toChanges: (entries: readonly StreamEntry[]) => Promise<Change[]>;
  onChange: (change: Change) => Promise<void>;
  /** Everything is to be read anew. */
  onReload: () => Promise<void>;
  logger: Logger;
}

/** What is stored is not what the changes that this replica has seen led to. */
class HistoryParted extends Error {}

/**
 * Follows the change stream: every change once and in order. Where the next one is missing, since
 * the stream was trimmed, or the history is another one, since Redis lost its end or all of it,
 * everything is read anew.
 */
export class RedisChangeReader {
  #position: Position;
  #isCurrent = true;
  #mayHaveParted = false;
  #loop: Promise<void> | undefined;
  #arrivals: (() => void)[] = [];
  readonly #closing = new AbortController();

  constructor(
    private readonly options: ChangeReaderOptions,
    from: Position,
  ) {
    this.#position = from;
  }

  /** What has been applied; undefined while everything is read anew. */
  get position(): Position | undefined {
    return this.#isCurrent ? this.#position : undefined;
  }

  get version(): number {
    return this.#position.version;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /**
   * Resolves when this version has been applied; rejects with `not_applied_yet` after `limitMs`, or
   * when `signal` aborts.
   */
  async reached(version: number, limitMs = ARRIVAL_MS, signal?: AbortSignal): Promise<void> {
    this.start();
    let isLate = signal?.aborted ?? false;
    const late = () => {
      isLate = true;
      this.#arrived();
    };
    const timer = Number.isFinite(limitMs) ? setTimeout(late, limitMs) : undefined;
    signal?.addEventListener('abort', late, { once: true });
    try {
      while (this.version < version || !this.#isCurrent) {
        if (isLate || this.#closing.signal.aborted) throw notAppliedYet();
        await new Promise<void>((resolve) => this.#arrivals.push(resolve));
      }
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', late);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#arrived();
    const closed = this.options.stream.close();
    // What is sent on it otherwise waits for the read that goes on.
    this.options.stream.client.disconnect();
    await Promise.all([closed, this.#loop]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        if (!this.#isCurrent) await this.#reload();
        if (this.#mayHaveParted) await this.#compare();
        this.#mayHaveParted = false;
        const entries = await this.#read();
        if (entries.length > 0) await this.#apply(entries);
        else this.#mayHaveParted = true;
      } catch (error) {
        if (signal.aborted) return;
        this.#mayHaveParted = true;
        if (error instanceof HistoryParted) {
          this.options.logger.error(
            { reason: error.message, indexVersion: this.version },
            'reading all exemplars anew',
          );
          this.#isCurrent = false;
          continue;
        }
        if (!isPassing(error)) this.options.logger.error({ err: error }, 'changes not applied');
        await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #read(): Promise<StreamEntry[]> {
    const { stream, tables } = this.options;
    const from = `${this.version}-0`;
    const read = await guarded(() =>
      stream.client.xread(
        ...(['COUNT', AT_ONCE, 'BLOCK', QUIET_MS, 'STREAMS', tables.keys.changes, from] as const),
      ),
    );
    return (read?.[0]?.[1] ?? []).map(parseEntry);
  }

  async #apply(entries: readonly StreamEntry[]): Promise<void> {
    let { version, last } = this.#position;
    for (const entry of entries) {
      if (entry.version !== version + 1)
        throw new HistoryParted(`the changes before version ${entry.version} are gone`);
      if (entry.after !== last)
        throw new HistoryParted(`version ${version} is not the one that was seen here`);
      ({ version, token: last } = entry);
    }
    const changes = await this.options.toChanges(entries);
    for (const [index, change] of changes.entries()) {
      await this.options.onChange(change);
      this.#position = { version: change.version, last: entries[index]?.token ?? '' };
      this.#arrived();
    }
    await setImmediate();
  }

  async #compare(): Promise<void> {
    const { version, last } = this.#position;
    const stored = await this.options.tables.position();
    if (stored.version < version)
      throw new HistoryParted(`Redis is at version ${stored.version}, and was at ${version}`);
    if (stored.version === version && stored.last !== last)
      throw new HistoryParted(`version ${version} is not the one that was seen here`);
    if (stored.version > version && (await this.#isGone(version + 1)))
      throw new HistoryParted(`the changes after version ${version} are gone`);
  }

  async #isGone(version: number): Promise<boolean> {
    const { client } = this.options.stream;
    const id = `${version}-0`;
    const found = await guarded(() => client.xrange(this.options.tables.keys.changes, id, id));
    return found.length === 0;
  }

  /** Changes made meanwhile follow from the stream: applying them twice comes to the same. */
  async #reload(): Promise<void> {
    this.#position = await this.options.tables.position();
    await this.options.onReload();
    this.#isCurrent = true;
    this.#arrived();
  }

  #arrived(): void {
    const waiting = this.#arrivals;
    this.#arrivals = [];
    for (const resolve of waiting) resolve();
  }
}
