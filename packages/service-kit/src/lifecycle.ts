import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConfigError } from './config-error.js';
import type { Logger } from './logger.js';

/** Starts listening; a taken or forbidden port is a configuration problem that names the variable. */
export async function listen(
  server: Server,
  { host, port, variable }: { host: string; port: number; variable: string },
): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? 'is in use by another process'
          : `cannot be used (${error.code})`;
      reject(
        new ConfigError([`${variable}: port ${port} on ${host} ${reason}; choose another one`]),
      );
    });
    server.listen({ host, port }, resolve);
  });
  return server.address() as AddressInfo;
}

/** Refuses new connections and waits for running requests; after `graceMs` cuts what is left. */
export async function drain(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  const limit = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(limit);
}

/**
 * Runs `shutdown` once at SIGTERM, SIGINT, or when a supervising parent is gone, then exits.
 * `limitMs` bounds it; an uncaught error ends the process at once with status 1, since its state
 * can no longer be trusted.
 */
export function onShutdown(logger: Logger, limitMs: number, shutdown: () => Promise<void>): void {
  let stopping = false;
  const stop = (reason: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, 'stopping');
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
