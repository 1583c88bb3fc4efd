import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  createLogger,
  parseRedisUrl,
  RedisConnection,
} from '../../packages/service-kit/dist/index.js';
import { RedisConnectionLedger } from '../../services/router/dist/connections/redis-connection-ledger.js';

/** A router's connection ledger in a process of its own; ledger-process.ts talks to it. */
const [, , url = '', prefix = '', lease = ''] = process.argv;
const logger = createLogger('worker', 'silent');
const location = parseRedisUrl(url);
const connection = new RedisConnection(location, { name: 'worker', logger });
const listener = new RedisConnection(location, { name: 'worker', logger });
await Promise.all([connection.whenReady(10_000), listener.whenReady(10_000)]);
const ledger = await RedisConnectionLedger.open({
  connection,
  listener,
  prefix,
  leaseMs: Number(lease),
  logger,
});

/** @type {import('../../services/router/dist/connections/connection-ledger.js').Lease[]} */
const held = [];

const verbs = {
  /** @param {import('../../services/router/dist/balancing/policy.js').Shortlist} shortlist */
  async acquire(shortlist) {
    const got = await ledger.acquire('pool', shortlist);
    if (got) held.push(got);
    return got?.backendId ?? null;
  },
  /** The oldest that is held. */
  async release() {
    held.shift()?.release();
  },
  async status() {
    return ledger.status('pool');
  },
  /**
   * Takes, holds for a moment and gives back, `workers` at a time; some wait for their slot. A count
   * of holders in Redis, raised after a lease was got and lowered before it is given back, is never
   * above the true number: where it exceeds the capacity, so did the leases.
   * @param {{ ms: number, workers: number, candidates: import('../../services/router/dist/balancing/policy.js').Candidate[] }} how
   */
  async hammer({ ms, workers, candidates }) {
    const counter = new Redis(url);
    const capacities = new Map(candidates.map(({ id, capacity }) => [id, capacity]));
    const shortlist = {
      candidates,
      rule: { kind: /** @type {const} */ ('leastLoaded'), among: candidates.length },
    };
    const deadline = Date.now() + ms;
    let taken = 0;
    let exceeded = 0;
    const work = async () => {
      while (Date.now() < deadline) {
        const waiting = {
          shortlist: () => shortlist,
          limit: 100,
          signal: AbortSignal.timeout(200),
        };
        const got =
          Math.random() < 0.5
            ? await ledger.acquire('pool', shortlist)
            : await ledger.wait('pool', waiting);
        if (!got || typeof got === 'string') {
          await sleep(Math.random() * 3);
          continue;
        }
        taken++;
        const holders = `${prefix}:holders:${got.backendId}`;
        if ((await counter.incr(holders)) > (capacities.get(got.backendId) ?? 0)) exceeded++;
        if (Math.random() < 0.3) await sleep(Math.random() * 5);
        await counter.decr(holders);
        got.release();
      }
    };
    await Promise.all(Array.from({ length: workers }, work));
    counter.disconnect();
    return { taken, exceeded };
  },
};

process.on('message', async ({ call, verb, argument }) => {
  const result = await verbs[/** @type {keyof typeof verbs} */ (verb)](argument);
  process.send?.({ call, result });
});
process.once('disconnect', () => process.exit());
process.send?.({ ready: true });
