import { PeakEwma } from '../../../services/router/dist/backends/peak-ewma.js';
import { policyNamed } from '../../../services/router/dist/balancing/policies.js';
import { chooseSlot } from '../../../services/router/dist/connections/choose-slot.js';
import { EventQueue } from './event-queue.mjs';
import { BACKENDS, FIRST_TOKEN_MS, SLOTS, seededRandom, serviceMs } from './workload.mjs';

/** A backend that works on SLOTS requests at a time, first come, first served. */
class Server {
  load = 0;
  #free = SLOTS;
  #queue = [];

  constructor({ name, slowness }, clock, events) {
    Object.assign(this, { name, slowness, clock, events });
  }

  serve(request, { firstByte, end }) {
    this.load++;
    const begin = () => {
      this.#free--;
      const now = this.clock.now;
      const done = () => {
        this.#free++;
        this.load--;
        end();
        if (this.#free > 0) this.#queue.shift()?.();
      };
      this.events.add(now + FIRST_TOKEN_MS * this.slowness, firstByte);
      this.events.add(now + serviceMs(request.tokens, this.slowness), done);
    };
    if (this.#free > 0) begin();
    else this.#queue.push(begin);
  }
}

/** One router: the real policy and the real choice, on counts that it may share with others. */
class Replica {
  #turn = 0;
  #latencies = new Map();
  #line = [];

  constructor({ variant, servers, counts, capacity, clock, random }) {
    Object.assign(this, { servers, counts, capacity, clock, random });
    this.weights = variant.weights ?? {};
    this.policy = policyNamed(variant.policy);
    for (const { name } of servers) this.#latencies.set(name, new PeakEwma(() => clock.now));
  }

  /** The oldest that waits, if there is room for it. */
  serveWaiting() {
    const next = this.#line.shift();
    if (next && !this.#try(next)) this.#line.unshift(next);
  }

  ask(request, done) {
    if (this.#line.length > 0 || !this.#try({ request, done })) this.#line.push({ request, done });
  }

  #try({ request, done }) {
    const inFlight = (id) => this.counts.get(id) ?? 0;
    const candidates = this.servers.map(({ name }) => ({
      id: name,
      weight: this.weights[name] ?? 1,
      capacity: this.capacity,
      latencyMs: this.#latencies.get(name).estimateMs,
    }));
    const turn = this.#turn++;
    const shortlist = this.policy(candidates, {
      turn,
      key: request.key,
      inFlight,
      random: this.random,
    });
    const chosen = chooseSlot(shortlist, inFlight, this.random);
    if (!chosen) return false;
    this.counts.set(chosen.id, inFlight(chosen.id) + 1);
    const sent = this.clock.now;
    this.servers
      .find(({ name }) => name === chosen.id)
      .serve(request, {
        firstByte: () => this.#latencies.get(chosen.id).answered(this.clock.now - sent),
        end: () => {
          this.counts.set(chosen.id, inFlight(chosen.id) - 1);
          done();
        },
      });
    return true;
  }
}

/** Latencies in ms and the skew, of the requests sent through `replicas` routers whose counts are shared or their own. */
export function simulate(variant, asked, { replicas, shared, seed }) {
  const clock = { now: 0 };
  const events = new EventQueue();
  const random = seededRandom(seed);
  const servers = BACKENDS.map((backend) => new Server(backend, clock, events));
  const common = new Map();
  const capacity = variant.capacity ?? Number.POSITIVE_INFINITY;
  const routers = Array.from({ length: replicas }, () => {
    const counts = shared ? common : new Map();
    return new Replica({ variant, servers, counts, capacity, clock, random });
  });
  const queue = (request) => {
    // Where counts are shared there is one line, and whoever is free takes from it.
    const router = variant.capacity && shared ? routers[0] : at(routers, request.replica);
    return {
      ask: (done) => router.ask(request, done),
      freed: () => router.serveWaiting(),
    };
  };
  return replay({ asked, events, clock, servers, queue });
}

/** One queue for all slots of all backends, the quickest free one first: what no balancer can beat by much. */
export function simulateIdeal(asked) {
  const clock = { now: 0 };
  const events = new EventQueue();
  const servers = BACKENDS.map((backend) => new Server(backend, clock, events));
  const waiting = [];
  const quickest = [...servers].sort((a, b) => a.slowness - b.slowness);
  const serveNext = () => {
    const server = quickest.find(({ load }) => load < SLOTS);
    const next = server && waiting.shift();
    if (next) server.serve(next.request, { firstByte: () => undefined, end: next.done });
  };
  const queue = (request) => ({
    ask: (done) => {
      waiting.push({ request, done });
      serveNext();
    },
    freed: serveNext,
  });
  return replay({ asked, events, clock, servers, queue });
}

function replay({ asked, events, clock, servers, queue }) {
  const latencies = [];
  let skew = 0;
  let next = 0;
  while (next < asked.length || events.length > 0) {
    const request = asked[next];
    if (request && request.at <= events.nextAt) {
      next++;
      clock.now = request.at;
      const line = queue(request);
      line.ask(() => {
        latencies.push(clock.now - request.at);
        line.freed();
      });
      const loads = servers.map(({ load }) => load);
      skew = Math.max(skew, Math.max(...loads) - Math.min(...loads));
    } else {
      const { at: time, event } = events.take();
      clock.now = time;
      event();
    }
  }
  return { latencies, skew };
}

const at = (list, share) => list[Math.floor(share * list.length)];
