import { closeSync, openSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { ConfigError } from './config-error.js';
import type { Logger } from './logger.js';

/** Long enough for a request that is on its way through the kernel to count as running. */
const SWEEP_MS = 100;

/** Longer than the 60 s for which nginx keeps connections, so that it never finds one just closed. */
const KEEP_ALIVE_MS = 75_000;

/** A client may take this long to send the head of a request, and all of it. */
const HEAD_MS = 15_000;
const REQUEST_MS = 120_000;
/** How often those who take longer are looked for. */
const CHECK_MS = 2_000;
/** Larger heads, the path with its query included, are refused with 431. */
const MAX_HEAD_BYTES = 32 * 1024;

/** A server that clients cannot keep busy by being slow: they are answered 408 and cut. */
export function createHttpServer(handler: RequestListener): Server {
  return createServer(
    {
      headersTimeout: HEAD_MS,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: MAX_HEAD_BYTES,
    },
    handler,
  );
}

export interface ListenOptions {
  host: string;
  port: number;
  /** The variable that sets the port; the one for the host is its sibling, X_HOST of X_PORT. */
  variable: string;
}

/** Starts listening; a port or a host that cannot be had is a problem of the variable that sets it. */
export async function listen(server: Server, options: ListenOptions): Promise<AddressInfo> {
  const { host, port } = options;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  trackUnused(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenProblem(error, options)));
    server.listen({ host, port }, resolve);
  });
  return server.address() as AddressInfo;
}

function listenProblem({ code }: NodeJS.ErrnoException, options: ListenOptions): ConfigError {
  const { host, port, variable } = options;
  const hostIsWrong = code !== 'EADDRINUSE' && code !== 'EACCES';
  if (hostIsWrong)
    return new ConfigError([
      `${variable.replace(/PORT$/, 'HOST')}: cannot listen on ${host} (${code}); give an address of this machine`,
    ]);
  const reason = code === 'EADDRINUSE' ? 'is in use by another process' : `is forbidden (${code})`;
  return new ConfigError([`${variable}: port ${port} on ${host} ${reason}; choose another one`]);
}

/** Where clients find a server; an IPv6 address stands in brackets (RFC 3986, 3.2.2). */
export const serverUrl = (host: string, port: number) =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Connections that never carried a request, which `closeIdleConnections` takes for busy ones. */
const unusedConnections = new WeakMap<Server, Set<Socket>>();

function trackUnused(server: Server): void {
  const unused = new Set<Socket>();
  unusedConnections.set(server, unused);
  server.on('connection', (socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));
}

/** Refuses new connections and waits for running requests; after `graceMs` cuts what is left. */
export async function drain(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const sweep = setInterval(() => {
    server.closeIdleConnections();
    for (const socket of unusedConnections.get(server) ?? []) socket.destroy();
  }, SWEEP_MS);
  const limit = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(limit);
}

/**
 * Runs `shutdown` once at SIGTERM, SIGINT, or when a supervising parent is gone, then exits.
 * `limit` bounds it, in milliseconds; an uncaught error ends the process at once with status 1, since its state
 * can no longer be trusted.
 */
export function onShutdown(
  logger: Logger,
  limit: number | (() => number),
  shutdown: () => Promise<void>,
): void {
  let stopping = false;
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, 'stopping');
    const limitMs = typeof limit === 'number' ? limit : limit();
    setTimeout(() => {
      logger.error({ limitMs }, 'did not stop in time');
      process.exit(1);
    }, limitMs).unref();
    shutdown().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'failed to stop cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.once('disconnect', () => stop('supervisor gone'));
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught error');
    process.exit(1);
  });
}

/** Calls back at SIGHUP; one that comes because the terminal was closed stops the service instead. */
export function onHangUp(reload: () => void): void {
  const hadTerminal = hasTerminal();
  process.on('SIGHUP', () => {
    if (hadTerminal && !hasTerminal()) process.kill(process.pid, 'SIGTERM');
    else reload();
  });
}

function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
