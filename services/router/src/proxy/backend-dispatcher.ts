import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';

/** Bytes that had been read from a connection when the last request was written to it. */
const readBefore = new WeakMap<Socket, number>();

/** Errors of connections that had carried an answer before, and brought not a byte of this one. */
const unseen = new WeakSet<Error>();

// Said by undici of every request it writes; nothing else tells on which connection that was.
subscribe('undici:client:sendHeaders', (message) => {
  const { socket } = message as { socket: Socket };
  readBefore.set(socket, socket.bytesRead);
});

/** Connections to backends, kept alive; `connectMs`, to connect, is asked for each. */
export function createBackendDispatcher(connectMs: () => number): Agent {
  let connect: { ms: number; to: buildConnector.connector } | undefined;
  return new Agent({
    connect: (options, callback) => {
      const ms = connectMs();
      if (connect?.ms !== ms) connect = { ms, to: buildConnector({ timeout: ms }) };
      connect.to(options, (...result) => {
        if (result[1]) noteUnseen(result[1]);
        callback(...result);
      });
    },
  });
}

/** The other end closed or reset it; anything else, such as a time-out, was decided at this one. */
const CLOSED_THERE = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

function noteUnseen(socket: Socket): void {
  socket.once('error', (error: NodeJS.ErrnoException) => {
    const before = readBefore.get(socket) ?? 0;
    const silent = before > 0 && socket.bytesRead === before;
    if (silent && CLOSED_THERE.has(error.code ?? '')) unseen.add(error);
  });
}

/**
 * Whether a connection that had been kept alive broke before any byte of the answer: a server closes
 * an idle one at any time, and a request that is written at that moment is not read (RFC 9112, 9.3.1).
 */
export const brokeUnseen = (error: unknown): boolean => error instanceof Error && unseen.has(error);
