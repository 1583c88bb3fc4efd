import { randomUUID } from 'node:crypto';
import { Agent, fetch } from 'undici';
import { startSimulatedBackend } from '../../../packages/simulated-backend/dist/index.js';
import { startRedis, startRouter, temporaryFolder } from '../processes.mjs';
import { BACKENDS, PREFILL_MS, SLOTS, VARIANTS } from './workload.mjs';

const TOKEN_MS = 40;
const ROUTERS = 2;

const poolOf = ({ name }) => name.replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

/** Real routers on one Redis and simulated backends, which keep no prompts: what hashing alone does. */
export async function startFleet() {
  const folder = await temporaryFolder();
  const redis = await startRedis(folder.path);
  const backends = await Promise.all(
    BACKENDS.map((name) =>
      startSimulatedBackend({
        name,
        slots: SLOTS,
        ttftMs: PREFILL_MS / 2,
        tokensPerSecond: 1000 / TOKEN_MS,
        record: false,
      }),
    ),
  );
  const pools = VARIANTS.map((variant) => [
    poolOf(variant),
    {
      ...(variant.policy && { policy: variant.policy }),
      ...(variant.affinity && { affinity: variant.affinity }),
      backends: backends.map(({ name, url }) => ({ name, url, capacity: 1_000_000 })),
    },
  ]);
  const config = { pools: Object.fromEntries(pools), default: poolOf(VARIANTS[0]) };
  const env = { REDIS_URL: redis.url, REDIS_KEY_PREFIX: randomUUID() };
  const routers = [];
  while (routers.length < ROUTERS)
    routers.push(await startRouter({ folder: folder.path, config, env }));
  const agent = new Agent({ connections: null });
  return {
    measure: (variant, asked) => measure({ variant, asked, routers, agent }),
    async close() {
      await agent.close();
      await Promise.all(routers.map((router) => router.stop()));
      await Promise.all(backends.map((backend) => backend.close()));
      await redis.stop();
      await folder.remove();
    },
  };
}

async function measure({ variant, asked, routers, agent }) {
  const homes = new Map();
  const started = performance.now();
  const latencies = await Promise.all(
    asked.map(async ({ at, key, answerMs }, index) => {
      await new Promise((resolve) => setTimeout(resolve, at - (performance.now() - started)));
      const response = await fetch(`${routers[index % routers.length].url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-session-id': key },
        body: JSON.stringify({
          model: `pool:${poolOf(variant)}`,
          stream: true,
          max_tokens: 1 + Math.round(answerMs / TOKEN_MS),
          messages: [{ role: 'user', content: 'hello' }],
        }),
        dispatcher: agent,
      });
      const text = await response.text();
      if (!text.endsWith('data: [DONE]\n\n')) throw new Error(`${response.status} ${text}`);
      const served = response.headers.get('x-switchyard-backend');
      const counts = homes.get(key) ?? new Map();
      homes.set(key, counts.set(served, (counts.get(served) ?? 0) + 1));
      return performance.now() - started - at;
    }),
  );
  const atHome = [...homes.values()].reduce((sum, counts) => sum + Math.max(...counts.values()), 0);
  return { latencies, hits: atHome, excess: [] };
}
