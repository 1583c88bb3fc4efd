import type { IncomingMessage, ServerResponse } from 'node:http';

/** One for all: it carries nothing of a request, and a new one would take a stack trace each time. */
const GONE = new DOMException('the client is gone', 'AbortError');

/**
 * Aborts when the client has left, or has its whole answer. A response that waits behind another
 * one on its connection (pipelining) has no 'close' of its own, so the connection's counts too.
 */
export function clientGone(request: IncomingMessage, response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const { socket } = request;
  const leave = () => gone.abort(GONE);
  if (socket.destroyed) leave();
  // As many as there are requests waiting on the connection.
  socket.setMaxListeners(0);
  socket.once('close', leave);
  response.once('close', () => {
    socket.off('close', leave);
    leave();
  });
  return gone.signal;
}
