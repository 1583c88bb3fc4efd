import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from '../settings/fault.js';
import type { Behaviour } from '../settings/settings.js';
import type { Outcome, RecordedRequest } from './journal.js';
import type { Slots } from './slots.js';
import type { Tally } from './stats.js';

/** What all exchanges of one backend share. */
export interface Shared {
  readonly slots: Slots;
  readonly tally: Tally;
  readonly hanging: Set<Exchange>;
}

export interface ExchangeOptions {
  req: IncomingMessage;
  res: ServerResponse;
  record: RecordedRequest;
  /** Whether it is a POST /v1/*: those take slots and are counted. */
  isApi: boolean;
  behaviour: Behaviour;
  fault: Fault;
  shared: Shared;
}

/**
 * One request's life. It waits for one thing at a time, and its client's leaving ends that wait, so
 * timers, queue places and slots never outlive the connection. A wait answers false when the client
 * is gone.
 */
export class Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly record: RecordedRequest;
  readonly isApi: boolean;
  /** As it was on arrival: a change of settings does not touch requests under way. */
  readonly behaviour: Behaviour;
  readonly fault: Fault;
  readonly #shared: Shared;
  #holdsSlot = false;
  #gone = false;
  #leave: (() => void) | undefined;

  constructor({ req, res, record, isApi, behaviour, fault, shared }: ExchangeOptions) {
    this.req = req;
    this.res = res;
    this.record = record;
    this.isApi = isApi;
    this.behaviour = behaviour;
    this.fault = fault;
    this.#shared = shared;
    res.once('close', () => this.#onClose());
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** `begin` may answer how to call the wait off. */
  async wait(begin: (done: () => void) => (() => void) | undefined): Promise<boolean> {
    if (this.#gone) return false;
    return new Promise((resolve) => {
      const callOff = begin(() => resolve(true));
      this.#leave = () => {
        callOff?.();
        resolve(false);
      };
    });
  }

  async sleep(ms: number): Promise<boolean> {
    if (ms <= 0) return !this.#gone;
    return this.wait((done) => {
      const timer = setTimeout(done, ms);
      return () => clearTimeout(timer);
    });
  }

  async takeSlot(): Promise<boolean> {
    if (this.#gone) return false;
    const { slots } = this.#shared;
    this.#holdsSlot = slots.tryTake();
    if (this.#holdsSlot) return true;
    return this.wait((done) =>
      slots.queue(() => {
        // Noted before anything else can run, so a client leaving now gives it back.
        this.#holdsSlot = true;
        done();
      }),
    );
  }

  async hang(): Promise<void> {
    if (this.#gone) return;
    this.#shared.hanging.add(this);
    await this.wait(() => undefined);
  }

  /** Ends the life once; the slot is free before the client can see the end of its answer. */
  settle(outcome: Exclude<Outcome, 'pending'>): void {
    if (this.record.outcome !== 'pending') return;
    if (this.#holdsSlot) this.#shared.slots.give();
    this.#holdsSlot = false;
    this.record.outcome = outcome;
    if (this.isApi) this.#shared.tally[outcome] += 1;
  }

  #onClose(): void {
    this.#gone = true;
    this.#shared.hanging.delete(this);
    // Completed is said when the last bytes are handed over; a client may leave without taking them.
    if (this.record.outcome === 'completed' && !this.res.writableFinished) {
      this.record.outcome = 'pending';
      if (this.isApi) this.#shared.tally.completed -= 1;
    }
    this.settle('aborted');
    this.#leave?.();
  }
}
