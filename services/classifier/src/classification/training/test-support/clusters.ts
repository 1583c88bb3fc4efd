import { exemplarId, type StoredExemplar } from '../../../exemplars/exemplar.js';

export const DIMENSIONS = 16;

/** The same number for the same n, evenly spread over [0, 1). */
export const noise = (n: number) => Math.abs((Math.sin(n * 78.233 + 1) * 43758.5453) % 1);

/** A unit vector about `spread` away from the direction of a class. */
export function around(label: number, n: number, spread = 0.6): Float32Array {
  const vector = Float32Array.from(
    { length: DIMENSIONS },
    (_, i) => (i === label ? 1 : 0) + (spread * (noise(n * 31 + i * 7 + label) - 0.5)) / 0.5 / 2,
  );
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** Exemplars of classes `intent-0`, `intent-1` ... that are easy to tell apart. */
export function clusters(classes: number, each: number): StoredExemplar[] {
  return Array.from({ length: classes * each }, (_, n) => {
    const label = n % classes;
    const text = `thing${label} number ${n}`;
    const intent = `intent-${label}`;
    return { id: exemplarId(text), intent, text, vector: around(label, n), version: 1 };
  });
}
