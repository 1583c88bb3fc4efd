import type { ServerResponse } from 'node:http';

interface Running {
  response: ServerResponse;
  work: Promise<unknown>;
  at: number;
}

/**
 * The proxied requests that have not ended, so that a router that stops can see them out. In an array,
 * not in a Map: as entries come and go V8 makes a Map's table anew and links the former one to it, so that
 * one dead table in old space carries all requests that follow through every collection of the young.
 */
export class RunningRequests {
  readonly #running: Running[] = [];

  async track<T>(response: ServerResponse, work: Promise<T>): Promise<T> {
    const own = { response, work, at: this.#running.length };
    this.#running.push(own);
    try {
      return await work;
    } finally {
      this.#remove(own);
    }
  }

  /** Answers that have not begun tell their clients to use another connection next time. */
  closeConnections(): void {
    for (const { response } of this.#running)
      if (!response.headersSent) response.shouldKeepAlive = false;
  }

  /** Resolves when all have ended and given back what they held, however they ended. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running.map(({ work }) => work));
  }

  /** The last one takes its place. */
  #remove({ at }: Running): void {
    const last = this.#running.pop();
    if (!last || last.at === at) return;
    last.at = at;
    this.#running[at] = last;
  }
}
