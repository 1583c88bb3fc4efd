import type { Shortlist } from '../balancing/policy.js';
import type { Lease, WaitEnd, Waiting } from './connection-ledger.js';
import { RedisLost } from './redis-presence.js';
import { serve, Waiter } from './waiter.js';

/** Of the oldest so many, each looks again when nobody has called it: a call may get lost. */
const LOOK_AGAIN = 16;

/**
 * A waiter that asks for the first time has waited for no time at all: what has passed since it came, of
 * another length each time, would put it before one that asked a moment earlier.
 */
const MOMENT_MS = 10;

/** A waiter as Redis knows it. */
export interface Ticket {
  id: string;
  waitedMs: number;
  limit: number;
}

/** Where a line gets its slots. */
export interface Slots {
  /** No Redis: slots come from this router's share. */
  readonly isLocal: boolean;
  /** Rejects with RedisLost. */
  take(shortlist: Shortlist, ticket: Ticket): Promise<Lease | 'full' | undefined>;
  takeLocally(shortlist: Shortlist): Lease | undefined;
  /** Forgets a waiter that joined the lines of these backends. */
  leave(id: string, backendIds: readonly string[]): void;
}

interface Place {
  waiter: Waiter;
  /** Backends in whose lines it stands in Redis. */
  lines: Set<string>;
  isTrying: boolean;
  /** Called while it was trying. */
  again: boolean;
}

/** The requests that wait for a pool at this router; their order among all routers is Redis's. */
export class RedisLine {
  /** Oldest first. */
  readonly #places = new Map<string, Place>();

  constructor(private readonly slots: Slots) {}

  get length(): number {
    return this.#places.size;
  }

  wait(id: string, waiting: Waiting): Promise<WaitEnd> {
    if (waiting.signal.aborted) return Promise.resolve('ended');
    const waiter = new Waiter(waiting, () => {
      this.#places.delete(id);
      if (place.lines.size > 0) this.slots.leave(id, [...place.lines]);
    });
    const place: Place = { waiter, lines: new Set(), isTrying: false, again: false };
    this.#places.set(id, place);
    if (this.slots.isLocal) {
      this.serveLocally();
      if (!waiter.hasEnded && this.length > waiting.limit) waiter.finish('full');
    } else void this.#try(id, place);
    return waiter.end;
  }

  /** Its turn may have come. False when it does not wait here. */
  call(id: string): boolean {
    const place = this.#places.get(id);
    if (place) void this.#try(id, place);
    return place !== undefined;
  }

  lookAgain(): void {
    if (this.slots.isLocal) this.serveLocally();
    else
      for (const [id, place] of [...this.#places].slice(0, LOOK_AGAIN)) void this.#try(id, place);
  }

  serveLocally(most?: number): void {
    const waiters = [...this.#places.values()].map(({ waiter }) => waiter);
    serve(waiters, ({ waiting }) => this.slots.takeLocally(waiting.shortlist()), most);
  }

  endAll(): void {
    for (const { waiter } of [...this.#places.values()]) waiter.finish('ended');
  }

  async #try(id: string, place: Place): Promise<void> {
    const { waiter } = place;
    if (place.isTrying) {
      place.again = true;
      return;
    }
    place.isTrying = true;
    do {
      place.again = false;
      const shortlist = waiter.waiting.shortlist();
      if (shortlist.candidates.length === 0 || this.slots.isLocal) break;
      // Once it has been let in it stays, even if Redis forgets it.
      const limit = place.lines.size > 0 ? Number.MAX_SAFE_INTEGER : waiter.waiting.limit;
      for (const { id: backendId } of shortlist.candidates) place.lines.add(backendId);
      try {
        const waitedMs = waiter.waitedMs < MOMENT_MS ? 0 : waiter.waitedMs;
        const got = await this.slots.take(shortlist, { id, waitedMs, limit });
        // Taking a slot leaves the lines, but for those of backends that are no candidates now.
        if (got === 'full') place.lines.clear();
        else if (got) for (const one of shortlist.candidates) place.lines.delete(one.id);
        else if (waiter.hasEnded) this.slots.leave(id, [...place.lines]);
        if (got) waiter.finish(got);
      } catch (error) {
        // The line goes on without Redis.
        if (!(error instanceof RedisLost)) throw error;
      }
    } while (place.again && !waiter.hasEnded);
    place.isTrying = false;
  }
}
