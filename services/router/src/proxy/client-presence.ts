import type { IncomingMessage, ServerResponse } from 'node:http';

/** What is needed of an AbortSignal, which is one. A real one takes a request ten times as long. */
export interface Abortable {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** One for all: it carries nothing of a request, and a new one would take a stack trace each time. */
const GONE = new DOMException('the client is gone', 'AbortError');

class ClientPresence implements Abortable {
  #listeners: (() => void)[] = [];
  #aborted = false;

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#aborted ? GONE : undefined;
  }

  /** A listener is called once, as abort happens once. */
  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at >= 0) this.#listeners.splice(at, 1);
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }
}

/** Aborts when the client has left before it had its whole answer. */
export function clientGone(request: IncomingMessage, response: ServerResponse): Abortable {
  const gone = new ClientPresence();
  const { socket } = request;
  const leave = () => gone.abort();
  if (socket.destroyed) leave();
  response.once('close', () => {
    socket.off('close', leave);
    if (!response.writableFinished) leave();
  });
  // One that waits behind another on its connection (pipelining) has no 'close' of its own.
  if (!response.socket) {
    // As many as there are requests waiting on the connection.
    socket.setMaxListeners(0);
    socket.once('close', leave);
  }
  return gone;
}

/** For those who need a signal: aborts when that does. */
export function signalOf(abortable: Abortable): AbortSignal {
  if (abortable instanceof AbortSignal) return abortable;
  const own = new AbortController();
  const abort = () => own.abort(abortable.reason);
  if (abortable.aborted) abort();
  else abortable.addEventListener('abort', abort, { once: true });
  return own.signal;
}
