import { withAffinity } from '../../../services/router/dist/balancing/affinity.js';
import { policyNamed } from '../../../services/router/dist/balancing/policies.js';
import { chooseSlot } from '../../../services/router/dist/connections/choose-slot.js';
import { EventQueue } from '../balance/event-queue.mjs';
import { seededRandom } from '../balance/workload.mjs';
import { BACKENDS, CACHED_MS, PREFILL_MS, PromptCache, SLOTS } from './workload.mjs';

/** The real ranking and the real choice on shared counts; servers with slots, a queue and a prompt cache. */
export function simulate(variant, asked, seed) {
  const random = seededRandom(seed);
  const events = new EventQueue();
  const servers = new Map(
    BACKENDS.map((id) => [id, { load: 0, free: SLOTS, queue: [], cache: new PromptCache() }]),
  );
  const candidates = BACKENDS.map((id) => ({ id, weight: 1, capacity: Number.POSITIVE_INFINITY }));
  const policy = variant.policy && policyNamed(variant.policy);
  const loadBound = variant.affinity?.loadBound || undefined;
  const inFlight = (id) => servers.get(id).load;
  const run = { latencies: [], hits: 0, excess: [] };
  let turn = 0;
  let now = 0;

  const choose = (key) => {
    const request = { turn: turn++, key, inFlight, random };
    const shortlist = variant.affinity
      ? withAffinity({ loadBound, policy }, candidates, request)
      : policy(candidates, request);
    return chooseSlot(shortlist, inFlight, random).id;
  };
  const begin = (server, request) => {
    server.free--;
    const hit = server.cache.use(request.key);
    if (hit) run.hits++;
    events.add(now + (hit ? CACHED_MS : PREFILL_MS) + request.answerMs, () => {
      server.free++;
      server.load--;
      run.latencies.push(now - request.at);
      const next = server.queue.shift();
      if (next) begin(server, next);
    });
  };

  let next = 0;
  while (next < asked.length || events.length > 0) {
    const request = asked[next];
    if (!request || request.at > events.nextAt) {
      const { at, event } = events.take();
      now = at;
      event();
      continue;
    }
    next++;
    now = request.at;
    const server = servers.get(choose(request.key));
    server.load++;
    const total = BACKENDS.reduce((sum, id) => sum + inFlight(id), 0);
    // With fewer the next whole number is far above the average.
    if (total >= 2 * BACKENDS.length) run.excess.push((server.load * BACKENDS.length) / total);
    if (server.free > 0) begin(server, request);
    else server.queue.push(request);
  }
  return run;
}
