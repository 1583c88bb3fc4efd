/**
 * `npm run bench -- ledger [--rounds N]`: what shared connection counts cost a request. Two routers in
 * one run, one on Redis and one with counts of its own, in front of backends that answer at once: one
 * request at a time, in short turns A B A B, so that a disturbance meets both alike. Also the ledgers
 * alone, without HTTP. Prints a table, writes results/ledger.json.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import {
  createLogger,
  parseRedisUrl,
  RedisConnection,
} from '../../packages/service-kit/dist/index.js';
import { startSimulatedBackend } from '../../packages/simulated-backend/dist/index.js';
import { MemoryConnectionLedger } from '../../services/router/dist/connections/memory-connection-ledger.js';
import { RedisConnectionLedger } from '../../services/router/dist/connections/redis-connection-ledger.js';
import { quantile, save } from './figures.mjs';
import { startRedis, startRouter, temporaryFolder } from './processes.mjs';
import { times } from './raw-client.mjs';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '60' } },
});
const ROUNDS = Number(options.rounds);
const WARM_UP = 10;
const PER_TURN = 50;
const BACKENDS = ['a', 'b', 'c', 'd'];
const CAPACITY = 8;

const folder = await temporaryFolder();
const redis = await startRedis(folder.path);
const prefix = randomUUID();
const backends = await Promise.all(
  BACKENDS.map((name) =>
    startSimulatedBackend({ name, ttftMs: 0, tokensPerSecond: 0, slots: 100, record: false }),
  ),
);
const config = {
  pools: {
    main: {
      policy: 'least-connections',
      backends: backends.map(({ url }, n) => ({ name: BACKENDS[n], url, capacity: CAPACITY })),
    },
  },
  default: 'main',
};
const start = (env) => startRouter({ folder: folder.path, config, env });
const routers = {
  memory: await start({}),
  redis: await start({ REDIS_URL: redis.url, REDIS_KEY_PREFIX: prefix }),
};

const body = JSON.stringify({
  model: 'pool:main',
  max_tokens: 1,
  messages: [{ role: 'user', content: 'hello' }],
});
const client = ({ url }) => {
  const pool = new Pool(url, { connections: 1 });
  const ask = async () => {
    const response = await pool.request({
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    if (response.statusCode !== 200) throw new Error(await response.body.text());
    await response.body.dump();
  };
  return { ask, close: () => pool.close() };
};

const logger = createLogger('bench', 'silent');
const connect = () => new RedisConnection(parseRedisUrl(redis.url), { name: 'bench', logger });
const connections = [connect(), connect()];
await Promise.all(connections.map((one) => one.whenReady(5000)));
const ledgers = {
  memory: new MemoryConnectionLedger(),
  redis: await RedisConnectionLedger.open({
    connection: connections[0],
    listener: connections[1],
    prefix: randomUUID(),
    leaseMs: 10_000,
    logger,
  }),
};
const shortlist = {
  candidates: BACKENDS.map((id) => ({ id, capacity: CAPACITY, weight: 1 })),
  rule: { kind: 'leastLoaded', among: BACKENDS.length },
};
const takeAndGive = (ledger) => async () => {
  const lease = await ledger.acquire('main', shortlist);
  lease.release();
};

const clients = { memory: client(routers.memory), redis: client(routers.redis) };
const calls = {
  'request, memory': clients.memory.ask,
  'request, Redis': clients.redis.ask,
  'ledger alone, memory': takeAndGive(ledgers.memory),
  'ledger alone, Redis': takeAndGive(ledgers.redis),
};
const samples = new Map(Object.keys(calls).map((name) => [name, []]));
for (let round = -WARM_UP; round < ROUNDS; round++)
  for (const [name, call] of Object.entries(calls)) {
    const taken = await times(PER_TURN, call);
    if (round >= 0) samples.get(name).push(...taken);
  }

const rows = [...samples].map(([what, taken]) => {
  const [p10, p50, p99] = [0.1, 0.5, 0.99].map((q) => quantile(taken, q));
  return { what, calls: taken.length, p10, p50, p99 };
});
// Turn against turn, since what a busy machine gives changes from one round to the next.
const p50s = (what) =>
  Array.from({ length: ROUNDS }, (_, round) =>
    quantile(samples.get(what).slice(round * PER_TURN, (round + 1) * PER_TURN), 0.5),
  );
const memory = p50s('request, memory');
const shared = p50s('request, Redis');
const addedMs = quantile(
  shared.map((value, round) => value - memory[round]),
  0.5,
);
const ratio = quantile(
  shared.map((value, round) => value / memory[round]),
  0.5,
);
console.log('| in ms | calls | p10 | p50 | p99 |\n| --- | --- | --- | --- | --- |');
for (const { what, calls: count, ...quantiles } of rows) {
  const shown = Object.values(quantiles).map((value) => value.toFixed(3));
  console.log(`| ${[what, count, ...shown].join(' | ')} |`);
}
console.log(
  `\nShared counts add ${addedMs.toFixed(3)} ms at p50 (${ratio.toFixed(2)} x), the median of all rounds.`,
);
await save('ledger', { options, rows, addedMs, ratio });

await Promise.all(Object.values(clients).map((one) => one.close()));
await ledgers.redis.close();
await Promise.all(connections.map((one) => one.close()));
await Promise.all(Object.values(routers).map((router) => router.stop()));
await Promise.all(backends.map((backend) => backend.close()));
await redis.stop();
await folder.remove();
