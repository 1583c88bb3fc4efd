import { type Fault, NO_FAULT } from './fault.js';

/** The fault in force now, which lifts itself after its `times` requests or `forMs` milliseconds. */
export class FaultSwitch {
  #fault: Fault = NO_FAULT;
  #timer: NodeJS.Timeout | undefined;
  /** Requests that the fault could have met. */
  #met = 0;
  readonly #onLapse: () => void;

  /** `onLapse` is called when the time of a fault is over, not on set(). */
  constructor(onLapse: () => void) {
    this.#onLapse = onLapse;
  }

  /** `times`, where set, is what is left of it. */
  get current(): Fault {
    return this.#fault;
  }

  set(fault: Fault): void {
    clearTimeout(this.#timer);
    this.#fault = fault;
    this.#met = 0;
    if (fault.type === 'none' || fault.forMs === undefined) return;
    this.#timer = setTimeout(() => {
      this.#fault = NO_FAULT;
      this.#onLapse();
    }, fault.forMs);
  }

  /** The fault for one arriving request, counted against `times`. */
  take(isApi: boolean): Fault {
    const fault = this.#fault;
    if (fault.type === 'none' || fault.type === 'refuse') return fault;
    if (!isApi && fault.scope !== 'all') return NO_FAULT;
    if (++this.#met % (fault.every ?? 1) !== 0) return NO_FAULT;
    if (fault.times === 1) this.set(NO_FAULT);
    else if (fault.times !== undefined) this.#fault = { ...fault, times: fault.times - 1 };
    return fault;
  }

  /** Lifts the fault and stops its clock. */
  close(): void {
    this.set(NO_FAULT);
  }
}
