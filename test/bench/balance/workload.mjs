/** Backends of four slots each, one of them four times slower than the others. */
export const BACKENDS = [
  { name: 'a', slowness: 1 },
  { name: 'b', slowness: 1 },
  { name: 'c', slowness: 1 },
  { name: 'slow', slowness: 4 },
];
export const SLOTS = 4;
/**
 * Of a backend with slowness 1: milliseconds to the first token, and between tokens; long beside what a
 * busy machine adds on its own.
 */
export const FIRST_TOKEN_MS = 60;
export const TOKEN_MS = 60;
const MEAN_TOKENS = 5;
const LOAD = 0.8;
const CLIENTS = 500;

const meanMs = FIRST_TOKEN_MS + (MEAN_TOKENS - 1) * TOKEN_MS;
/** Requests a second that the backends can serve together. */
const capacity = BACKENDS.reduce(
  (sum, { slowness }) => sum + (SLOTS * 1000) / (meanMs * slowness),
  0,
);
export const REQUESTS_PER_SECOND = LOAD * capacity;

/** What the operator knows: weights by speed where a policy goes by nothing else. */
const BY_SPEED = Object.fromEntries(BACKENDS.map(({ name, slowness }) => [name, 4 / slowness]));

/**
 * Rows of the table. With `capacity` requests wait at the router, not at the backends. `repeats`: runs a
 * round, of those whose ratio is asked for.
 */
export const VARIANTS = [
  { name: 'round-robin', policy: 'round-robin' },
  { name: 'weighted, 4:1', policy: 'weighted', weights: BY_SPEED },
  { name: 'random, 4:1', policy: 'random', weights: BY_SPEED },
  { name: 'ip-hash, 4:1', policy: 'ip-hash', weights: BY_SPEED },
  { name: 'power-of-two', policy: 'power-of-two' },
  { name: 'least-connections', policy: 'least-connections', repeats: 4 },
  { name: 'least-latency', policy: 'least-latency' },
  {
    name: 'least-connections, capacity 4',
    policy: 'least-connections',
    capacity: SLOTS,
    repeats: 4,
  },
];

/** Numbers in [0, 1), the same for the same seed. (Mulberry32.) */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same requests for every policy: Poisson arrivals, lengths of a geometric distribution. */
export function requests(count, seed) {
  const random = seededRandom(seed);
  let at = 0;
  return Array.from({ length: count }, () => {
    at += (-Math.log(1 - random()) * 1000) / REQUESTS_PER_SECOND;
    const tokens = 1 + Math.floor(Math.log(1 - random()) / Math.log(1 - 1 / MEAN_TOKENS));
    return { at, tokens, key: `10.0.0.${Math.floor(random() * CLIENTS)}`, replica: random() };
  });
}

export const serviceMs = (tokens, slowness) =>
  (FIRST_TOKEN_MS + (tokens - 1) * TOKEN_MS) * slowness;
