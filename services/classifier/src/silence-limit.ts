import type { IncomingMessage, Server } from 'node:http';

export interface SilenceLimits {
  /** A client that sends nothing of its request for so long is cut. */
  silenceMs: number;
  /** A request that is not here as a whole after so long is cut... */
  requestMs: number;
  /** ...unless it is one of these. */
  mayTakeLonger: (request: IncomingMessage) => boolean;
}

/**
 * Cuts clients that are slow to send, however large what some of them send may be: Node's own limit
 * for a whole request knows no exceptions. Once a request is complete it is the server that is
 * silent, for as long as its work takes.
 */
export function limitSilence(server: Server, limits: SilenceLimits): void {
  const { silenceMs, requestMs, mayTakeLonger } = limits;
  server.requestTimeout = 0;
  server.timeout = silenceMs;
  server.on('request', (request, response) => {
    const limit = mayTakeLonger(request)
      ? undefined
      : setTimeout(() => request.socket.destroy(), requestMs);
    request.once('close', () => clearTimeout(limit));
    const isHere = () => {
      clearTimeout(limit);
      // After the answer the socket has the time-out of a kept connection.
      if (!response.writableEnded) request.setTimeout(0);
    };
    // Nobody reads the end of a request without a body.
    if (hasBody(request)) request.once('end', isHere);
    else isHere();
  });
}

const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
