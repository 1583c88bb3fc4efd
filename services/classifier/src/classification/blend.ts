/** How the head and the neighbours make one probability. */
export interface Blend {
  /** a: what the head's logits are multiplied with before the softmax. */
  scale: number;
  /** lambda: the neighbours' share. */
  lambda: number;
}

/** P = (1 - lambda) softmax(a z) + lambda K, into `shares`, which holds K before. */
export function blend(logits: Float32Array, shares: Float64Array, { scale, lambda }: Blend): void {
  const largest = maximum(logits);
  let total = 0;
  for (const z of logits) total += Math.exp(scale * (z - largest));
  for (let c = 0; c < shares.length; c++) {
    const own = Math.exp(scale * ((logits[c] as number) - largest)) / total;
    // Rounding may take it above 1.
    shares[c] = Math.min(1, (1 - lambda) * own + lambda * (shares[c] as number));
  }
}

/** -Infinity for none. */
export function maximum(values: ArrayLike<number>): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++)
    if ((values[i] as number) > largest) largest = values[i] as number;
  return largest;
}

/** Position of the largest value, the first of equals; -1 for none. */
export function argmax(values: ArrayLike<number>): number {
  let best = -1;
  for (let i = 0; i < values.length; i++)
    if (best < 0 || (values[i] as number) > (values[best] as number)) best = i;
  return best;
}
