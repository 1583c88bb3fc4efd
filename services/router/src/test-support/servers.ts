import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';

/** A server on a port of its own that goes with its owner, connections and all. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** `port` 0: any free one. */
export const httpServer = (
  handler: RequestListener,
  port = 0,
  host = LOOPBACK,
): Promise<TestServer> =>
  // Idle connections stay: only what is tested closes one.
  serve(createHttpServer({ keepAliveTimeout: 0 }, handler), port, host);

/** Speaks HTTP byte by byte: `onRequest` gets the connection and what came up to the blank line. */
export function rawServer(onRequest: (socket: Socket, head: string) => void): Promise<TestServer> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    let head = '';
    socket.on('data', (bytes) => {
      head += bytes.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const request = head.slice(0, end);
      head = '';
      onRequest(socket, request);
    });
  });
  return serve(server, 0);
}

/** A port where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = await httpServer(() => undefined);
  await server.close();
  return server.port;
}

async function serve(server: Server, at: number, host = LOOPBACK): Promise<TestServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(at, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { url: `http://${host}:${port}`, port, sockets, close, [Symbol.asyncDispose]: close };
}
