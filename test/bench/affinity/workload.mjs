import { seededRandom } from '../balance/workload.mjs';

/** Backends of so many slots each; so many conversations by Zipf's law, so many prompts kept by each. */
export const BACKENDS = Array.from({ length: 6 }, (_, index) => `b${index}`);
export const SLOTS = 4;
const KEYS = 1000;
const EXPONENT = 1;
export const CACHED_PROMPTS = 120;
/** Milliseconds to read a prompt that is not in the cache, one that is, and to write the answer. */
export const PREFILL_MS = 160;
export const CACHED_MS = 20;
const MEAN_ANSWER_MS = 240;
/** Of what the slots can do when half of the prompts are in the caches. */
const LOAD = 0.75;

const meanMs = (PREFILL_MS + CACHED_MS) / 2 + MEAN_ANSWER_MS;
export const REQUESTS_PER_SECOND = (LOAD * BACKENDS.length * SLOTS * 1000) / meanMs;

/** Rows of the table. `affinity` and `policy` as in the configuration; sockets take their time. */
export const VARIANTS = [
  { name: 'least-connections, no affinity', policy: 'least-connections', onSockets: true },
  {
    name: 'plain hashing (no bound)',
    affinity: { key: 'session', loadBound: false },
    onSockets: true,
  },
  ...[2, 1.5, 1.25, 1.1].map((loadBound) => ({
    name: `bound ${loadBound}`,
    affinity: { key: 'session', loadBound },
    onSockets: loadBound === 1.25,
  })),
  {
    name: 'bound 1.25, then least-connections',
    affinity: { key: 'session', loadBound: 1.25 },
    policy: 'least-connections',
  },
];

/** The same requests for every variant: Poisson arrivals, answers of an exponential distribution. */
export function requests(count, seed) {
  const random = seededRandom(seed);
  const sums = [];
  for (let rank = 1; rank <= KEYS; rank++) sums.push((sums.at(-1) ?? 0) + 1 / rank ** EXPONENT);
  const draw = () => {
    const at = random() * sums.at(-1);
    let [low, high] = [0, KEYS - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] > at) high = middle;
      else low = middle + 1;
    }
    return `conversation ${low}`;
  };
  let at = 0;
  return Array.from({ length: count }, () => {
    at += (-Math.log(1 - random()) * 1000) / REQUESTS_PER_SECOND;
    return { at, key: draw(), answerMs: -Math.log(1 - random()) * MEAN_ANSWER_MS };
  });
}

/** The prompts that a server has kept, those used last. */
export class PromptCache {
  #keys = new Map();

  /** Whether it was there; it is from now on. */
  use(key) {
    const hit = this.#keys.delete(key);
    this.#keys.set(key, true);
    if (this.#keys.size > CACHED_PROMPTS) this.#keys.delete(this.#keys.keys().next().value);
    return hit;
  }
}
