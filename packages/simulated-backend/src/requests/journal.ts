import type { IncomingHttpHeaders } from 'node:http';

/**
 * `pending` until one of: `completed` (answered to the end), `aborted` (the client left first),
 * `refused` (a fault answered an error or reset the connection), `cut` (a fault cut the answer).
 */
export type Outcome = 'pending' | 'completed' | 'aborted' | 'refused' | 'cut';

export interface RecordedRequest {
  /** Counts up from 1 in order of arrival. */
  id: number;
  /** Milliseconds since the epoch. */
  receivedAt: number;
  method: string;
  /** With the query string, as received. */
  path: string;
  headers: IncomingHttpHeaders;
  /** The first 64 KiB, as UTF-8. */
  body: string;
  /** The whole body's length. */
  bodyBytes: number;
  /** Unset until the head of the answer is sent. */
  status?: number;
  outcome: Outcome;
}

const KEPT = 200;

/** The newest requests, in a ring. */
export class Journal {
  #ring: RecordedRequest[] = [];
  #next = 0;

  add(request: RecordedRequest): void {
    this.#ring[this.#next] = request;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** Copies, oldest first. */
  list(): RecordedRequest[] {
    const inOrder = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    return inOrder.map((request) => ({ ...request }));
  }

  clear(): void {
    this.#ring = [];
    this.#next = 0;
  }
}
