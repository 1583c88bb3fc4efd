import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port that was free a moment ago. It and the one of a Cluster's bus, 10,000 above, are below
 * those that Linux gives to clients.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
