import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListenError } from '../errors.js';

/** Another process may hold a port that was given up for a while; it gets so long to let go. */
const REOPEN_MS = 5_000;
const REOPEN_EVERY_MS = 25;

/** Longer than the idle time of any client's pool, so that no reuse races with this side's close. */
const KEEP_ALIVE_MS = 120_000;

/** A listening socket that can be given up and taken again on the same port. */
export class Listener {
  readonly #handler: RequestListener;
  readonly #host: string;
  #port: number;
  /** One server for each time of listening: a closed one lives on for its open connections. */
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(handler: RequestListener, host: string, port: number) {
    this.#handler = handler;
    this.#host = host;
    this.#port = port;
  }

  /** The one bound, once open() was answered. */
  get port(): number {
    return this.#port;
  }

  open(): Promise<void> {
    return this.#inTurn(() => this.#listen());
  }

  /** Connects are refused from when it resolves. Idle connections close, busy ones finish. */
  shut(): Promise<void> {
    return this.#inTurn(() => this.#stopListening());
  }

  /** open(), for a port held before. */
  reopen(): Promise<void> {
    return this.#inTurn(async () => {
      const deadline = performance.now() + REOPEN_MS;
      while (!this.#closed) {
        try {
          return await this.#listen();
        } catch (error) {
          if (performance.now() > deadline) throw error;
          await sleep(REOPEN_EVERY_MS);
        }
      }
    });
  }

  /** Ends every connection, whatever it is doing. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
    // A failure to open was reported to who asked for it.
    await this.#inTurn(() => this.#stopListening()).catch(() => {});
    for (const socket of this.#sockets) socket.destroy();
  }

  /** One change at a time, in order, whatever became of the one before. */
  #inTurn(change: () => Promise<void> | void): Promise<void> {
    this.#turn = this.#turn.catch(() => {}).then(change);
    return this.#turn;
  }

  async #listen(): Promise<void> {
    if (this.#server !== undefined || this.#closed) return;
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, this.#handler);
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        reject(new ListenError(this.#host, this.#port, error.code ?? error.message));
      });
      server.listen(this.#port, this.#host, resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  #stopListening(): void {
    this.#server?.close();
    this.#server = undefined;
  }
}
