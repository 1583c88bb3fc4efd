import type { Request, Response } from 'express';

const HEARTBEAT_MS = 1000;
/** A reader that lets this much pile up is gone in all but name. */
const MAX_UNREAD_BYTES = 256 * 1024;

/**
 * A server-sent event stream (WHATWG HTML, 9.2) on one response. A comment every second lets the
 * reader tell a quiet server from a dead one. Ends with the connection or when `until` aborts (the
 * server stops); `onClose` runs once.
 */
export class EventStream {
  readonly #heartbeat: NodeJS.Timeout;

  constructor(
    request: Request,
    private readonly response: Response,
    until: AbortSignal,
    onClose: () => void,
  ) {
    request.socket.setTimeout(0);
    request.socket.setNoDelay(true);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.flushHeaders();
    this.#heartbeat = setInterval(() => this.#write(': alive\n\n'), HEARTBEAT_MS);
    const end = () => this.end();
    until.addEventListener('abort', end, { once: true });
    response.once('close', () => {
      clearInterval(this.#heartbeat);
      until.removeEventListener('abort', end);
      onClose();
    });
  }

  send(data: unknown): void {
    this.#write(`data: ${JSON.stringify(data)}\n\n`);
  }

  end(): void {
    clearInterval(this.#heartbeat);
    this.response.end();
  }

  #write(chunk: string): void {
    if (this.response.writableEnded || this.response.destroyed) return;
    if (this.response.writableLength > MAX_UNREAD_BYTES) this.response.destroy();
    else this.response.write(chunk);
  }
}
