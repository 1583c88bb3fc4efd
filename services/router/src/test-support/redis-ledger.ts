import { createLogger, parseRedisUrl, RedisConnection } from '@switchyard/service-kit';
import type { Candidate, Shortlist } from '../balancing/policy.js';
import { RedisConnectionLedger } from '../connections/redis-connection-ledger.js';

export interface OpenRedisLedger extends AsyncDisposable {
  ledger: RedisConnectionLedger;
  connection: RedisConnection;
  /** Messages that it logged. */
  log: string[];
}

export interface RedisLedgerSettings {
  prefix: string;
  leaseMs?: number;
  fleet?: ReadonlyMap<string, readonly string[]>;
}

/** A ledger as a router has one, on this Redis. */
export async function openRedisLedger(
  url: string,
  { prefix, leaseMs = 10_000, fleet }: RedisLedgerSettings,
): Promise<OpenRedisLedger> {
  const location = parseRedisUrl(url);
  const log: string[] = [];
  const note = (_about: object, message: string) => log.push(message);
  const quiet = createLogger('test', 'silent');
  const connection = new RedisConnection(location, { name: 'test', logger: quiet });
  const listener = new RedisConnection(location, { name: 'test', logger: quiet });
  await Promise.all([connection.whenReady(10_000), listener.whenReady(10_000)]);
  const ledger = await RedisConnectionLedger.open({
    connection,
    listener,
    prefix,
    leaseMs,
    ...(fleet && { fleet: () => fleet }),
    logger: Object.assign(createLogger('test', 'silent'), { info: note, warn: note }),
  });
  return {
    ledger,
    connection,
    log,
    async [Symbol.asyncDispose]() {
      await ledger.close();
      await connection.close();
      await listener.close();
    },
  };
}

export const candidate = (id: string, capacity: number): Candidate => ({ id, capacity, weight: 1 });

export const inOrder = (...candidates: Candidate[]): Shortlist => ({
  candidates,
  rule: { kind: 'inOrder' },
});
