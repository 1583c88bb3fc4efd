import type { ServerResponse } from 'node:http';

/** The proxied requests that have not ended, so that a router that stops can see them out. */
export class RunningRequests {
  readonly #running = new Map<ServerResponse, Promise<unknown>>();

  async track<T>(response: ServerResponse, work: Promise<T>): Promise<T> {
    this.#running.set(response, work);
    try {
      return await work;
    } finally {
      this.#running.delete(response);
    }
  }

  /** Answers that have not begun tell their clients to use another connection next time. */
  closeConnections(): void {
    for (const response of this.#running.keys())
      if (!response.headersSent) response.shouldKeepAlive = false;
  }

  /** Resolves when all have ended and given back what they held, however they ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running.values());
  }
}
