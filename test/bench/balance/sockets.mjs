import { randomUUID } from 'node:crypto';
import { Agent, fetch } from 'undici';
import { startSimulatedBackend } from '../../../packages/simulated-backend/dist/index.js';
import { startRedis, startRouter, temporaryFolder } from '../processes.mjs';
import { BACKENDS, FIRST_TOKEN_MS, SLOTS, TOKEN_MS, VARIANTS } from './workload.mjs';

const REPLICAS = 4;
const SAMPLE_MS = 4;

/** Real routers and simulated backends on loopback: four routers on one Redis, and four without. */
export async function startFleet() {
  const folder = await temporaryFolder();
  const redis = await startRedis(folder.path);
  const backends = await Promise.all(
    BACKENDS.map(({ name, slowness }) =>
      startSimulatedBackend({
        name,
        slots: SLOTS,
        ttftMs: FIRST_TOKEN_MS * slowness,
        tokensPerSecond: 1000 / (TOKEN_MS * slowness),
        record: false,
      }),
    ),
  );
  const env = { REDIS_URL: redis.url, REDIS_KEY_PREFIX: randomUUID(), LOG_LEVEL: 'info' };
  const config = fleetConfig(backends);
  const start = (extra) => startRouter({ folder: folder.path, config, env: extra });
  const times = Array.from({ length: REPLICAS });
  const shared = await Promise.all(times.map(() => start(env)));
  const local = await Promise.all(times.map(() => start({})));
  const agent = new Agent({ connections: null });
  return {
    /** `setup`: one, shared or local. Resolves to latencies in ms and the skew. */
    measure: (variant, asked, setup) => {
      const routers = { one: shared.slice(0, 1), shared, local }[setup];
      return measure({ variant, asked, routers, backends, agent });
    },
    async close() {
      await agent.close();
      await Promise.all([...shared, ...local].map((router) => router.stop()));
      await Promise.all(backends.map((backend) => backend.close()));
      await redis.stop();
      await folder.remove();
    },
  };
}

const poolOf = ({ name }) => name.replace(/[^a-z0-9]+/g, '-');

/** Each variant is a pool of its own over the same backends; they are measured one at a time. */
function fleetConfig(backends) {
  const pools = VARIANTS.map((variant) => [
    poolOf(variant),
    {
      policy: variant.policy,
      backends: backends.map(({ name, url }) => ({
        name,
        url,
        weight: variant.weights?.[name] ?? 1,
        // Without a limit of its own, the one that the backend tells would count.
        capacity: variant.capacity ?? 1_000_000,
      })),
      queue: { size: 1_000_000, timeoutMs: 3_600_000 },
    },
  ]);
  return {
    pools: Object.fromEntries(pools),
    default: poolOf(VARIANTS[0]),
    // The clients of the benchmark all have one address.
    trustedProxies: 1,
    timeouts: { readMs: 600_000 },
  };
}

async function measure({ variant, asked, routers, backends, agent }) {
  const loads = () =>
    backends.map((backend) => {
      const { inFlight, queued } = backend.stats();
      return inFlight + queued;
    });
  let skew = 0;
  const sampling = setInterval(() => {
    const now = loads();
    skew = Math.max(skew, Math.max(...now) - Math.min(...now));
  }, SAMPLE_MS);
  const started = performance.now();
  const latencies = await Promise.all(
    asked.map(async ({ at, tokens, key, replica }) => {
      await new Promise((resolve) => setTimeout(resolve, at - (performance.now() - started)));
      const router = routers[Math.floor(replica * routers.length)];
      const response = await fetch(`${router.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': key },
        body: JSON.stringify({
          model: `pool:${poolOf(variant)}`,
          stream: true,
          max_tokens: tokens,
          messages: [{ role: 'user', content: 'hello' }],
        }),
        dispatcher: agent,
      });
      const text = await response.text();
      if (!text.endsWith('data: [DONE]\n\n')) throw new Error(`${response.status} ${text}`);
      return performance.now() - started - at;
    }),
  );
  clearInterval(sampling);
  return { latencies, skew };
}

export const warmUp = (fleet, asked) => fleet.measure(VARIANTS[5], asked, 'shared');
