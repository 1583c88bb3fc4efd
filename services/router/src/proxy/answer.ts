import type { Dispatcher } from 'undici';
import type { Abortable } from './client-presence.js';

const END: IteratorResult<Buffer, undefined> = { done: true, value: undefined };

/** Bytes that wait to be taken before the backend is made to wait. */
const HIGH_WATER_BYTES = 64 * 1024;

interface Taker {
  resolve: (part: IteratorResult<Buffer, undefined>) => void;
  reject: (reason: unknown) => void;
}

/**
 * An answer as a backend sends it: its head, then its bytes, no faster than they are taken. What undici's
 * `request` does with a stream, without one.
 */
export class Answer implements Dispatcher.DispatchHandler, AsyncIterator<Buffer, undefined> {
  /** Resolves when the head is here, for an error, or else with the first byte or the end. */
  readonly begun: Promise<void>;
  status = 0;
  /** Flat list of names and values. */
  headers: readonly string[] = [];
  #begin: () => void = () => undefined;
  #fail: (reason: unknown) => void = () => undefined;
  #controller: Dispatcher.DispatchController | undefined;
  readonly #parts: Buffer[] = [];
  #waitingBytes = 0;
  #taker: Taker | undefined;
  #end: { error?: unknown } | undefined;

  /** `signal` aborts the request, and the answer on its way. */
  constructor(private readonly signal: Abortable) {
    this.begun = new Promise((resolve, reject) => {
      this.#begin = resolve;
      this.#fail = reject;
    });
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Whether all of it is here. */
  get isWhole(): boolean {
    return this.#end !== undefined && !('error' in this.#end);
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const part = this.takeNow();
    if (part) return Promise.resolve(part);
    if (this.#end) return Promise.reject(this.#end.error);
    return new Promise((resolve, reject) => {
      this.#taker = { resolve, reject };
    });
  }

  /** What is here already; undefined: it must be waited for, or has failed. */
  takeNow(): IteratorResult<Buffer, undefined> | undefined {
    const value = this.#parts.shift();
    if (!value) return this.isWhole ? END : undefined;
    this.#waitingBytes -= value.length;
    if (this.#controller?.paused && this.#waitingBytes < HIGH_WATER_BYTES)
      this.#controller.resume();
    return { done: false, value };
  }

  /** Gives up what has not come yet, and the connection with it. */
  discard(): void {
    this.#parts.length = 0;
    if (!this.#end) this.#controller?.abort(new Error('the answer is not wanted any more'));
  }

  readonly #abort = () => this.#controller?.abort(this.signal.reason as Error);

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.signal.aborted) this.#abort();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    this.status = status;
    this.headers = rawHeaders(controller);
    // An error's body says nothing about whether the backend works; it is read when it is relayed.
    if (status >= 400) this.#begin();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const taker = this.#taker;
    if (taker) {
      this.#taker = undefined;
      taker.resolve({ done: false, value: chunk });
      return;
    }
    this.#parts.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= HIGH_WATER_BYTES) controller.pause();
    this.#begin();
  }

  onResponseEnd(): void {
    this.#ended({});
    this.#taker?.resolve(END);
    this.#begin();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#ended({ error });
    this.#taker?.reject(error);
    this.#fail(error);
  }

  #ended(end: { error?: unknown }): void {
    this.#end = end;
    this.signal.removeEventListener('abort', this.#abort);
  }
}

function rawHeaders({ rawHeaders: raw }: Dispatcher.DispatchController): string[] {
  const found = (raw ?? []) as readonly (Buffer | string)[];
  return found.map((text) => (typeof text === 'string' ? text : text.toString('latin1')));
}
