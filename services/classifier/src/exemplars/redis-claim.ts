import { randomUUID } from 'node:crypto';
import type { RedisClient } from '@switchyard/service-kit';
import type { Claim } from './claim.js';
import { guarded } from './redis-failure.js';
import type { RedisScripts } from './redis-scripts.js';

/** After a replica died, others wait this long at most before one of them takes over. */
const CLAIM_MS = 15_000;
const RENEWAL_MS = CLAIM_MS / 3;

/**
 * Claims `key` for as long as the process lives and Redis hears of it, until it is released;
 * undefined while somebody else has it.
 */
export async function claimInRedis(
  client: RedisClient,
  scripts: RedisScripts,
  key: string,
): Promise<Claim | undefined> {
  const token = randomUUID();
  const taken = await guarded(() => client.set(key, token, 'PX', CLAIM_MS, 'NX'));
  if (taken === null) return undefined;
  const lost = new AbortController();
  let until = performance.now() + CLAIM_MS;
  const renew = async () => {
    const asked = performance.now();
    try {
      if (await scripts.run('renew-claim', [key], [token, CLAIM_MS])) until = asked + CLAIM_MS;
      else lost.abort();
    } catch {
      // Redis may be back before the claim has expired.
      if (performance.now() > until) lost.abort();
    }
    if (lost.signal.aborted) clearInterval(timer);
  };
  const timer = setInterval(() => void renew(), RENEWAL_MS);
  timer.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      // What cannot be given up now expires.
      await scripts.run('renew-claim', [key], [token, 0]).catch(() => undefined);
    },
  };
}
