/** Values from a normal distribution, the same for the same `seed` in every run. */
export function gaussian(seed: number, count: number): number[] {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  // Mulberry32 (Ettinger, 2017), then the polar form of Box & Muller (1958).
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  );
}

export function unit(values: readonly number[]): Float32Array {
  const norm = Math.hypot(...values) || 1;
  return Float32Array.from(values, (value) => value / norm);
}

/**
 * As embeddings of prompts lie: around the centres of some hundred subjects, and these around one
 * another.
 */
export function promptLike(seed: number, dimensions: number): Float32Array {
  const subject = gaussian(1_000_000 + (seed % 150), dimensions);
  const own = gaussian(seed, dimensions);
  return unit(subject.map((value, i) => value + 0.8 * (own[i] ?? 0)));
}

export const dot = (a: Float32Array, b: Float32Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? Number.NaN), 0);
