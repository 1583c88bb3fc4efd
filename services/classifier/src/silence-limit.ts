import type { Server } from 'node:http';

/**
 * Cuts a client that sends nothing of its request for `ms`, however long the whole request takes:
 * Node's own limit, 300 s for a request, would cut a large import. Once the request is complete it
 * is the server that is silent, for as long as its work takes.
 */
export function limitSilence(server: Server, ms: number): void {
  server.requestTimeout = 0;
  server.timeout = ms;
  server.on('request', (request, response) => {
    request.once('end', () => {
      // After the answer the socket has the time-out of a kept connection.
      if (!response.writableEnded) request.setTimeout(0);
    });
  });
}
