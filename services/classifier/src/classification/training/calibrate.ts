import { type Blend, maximum } from '../blend.js';
import { neighbourShares } from '../neighbour-shares.js';
import type { HeldOut } from './out-of-fold.js';

/**
 * What is believed of the blend before any row is seen, as means and standard deviations: lambda,
 * and ln a. With few rows these decide, with hundreds of them the rows do.
 */
export const LIKELY = { lambda: 0.3, lambdaDeviation: 0.2, scale: 1.6, scaleDeviation: Math.LN2 };
const LAMBDAS = [0, 0.1, 0.2, 0.3, 0.4, 0.5];
const SMALLEST_SCALE = 0.2;
const SCALE_STEP = 1.05;
const SCALES = Array.from({ length: 75 }, (_, step) => SMALLEST_SCALE * SCALE_STEP ** step);

/**
 * The blend that makes the right classes of the held out rows most likely:
 * min over a and lambda of -sum ln P(right class) - ln of the prior LIKELY.
 */
export function calibrate(heldOut: readonly HeldOut[], classes: number): Blend {
  const votes = new Float64Array(classes);
  const ofNeighbours = heldOut.map(({ voters, label }) => {
    neighbourShares(voters, votes);
    return votes[label] as number;
  });
  let best: Blend = { scale: LIKELY.scale, lambda: LIKELY.lambda };
  let lowest = Number.POSITIVE_INFINITY;
  for (const scale of SCALES) {
    const ofHead = heldOut.map(({ logits, label }) => softmaxAt(logits, label, scale));
    for (const lambda of LAMBDAS) {
      let cost = surprise({ scale, lambda });
      for (let i = 0; i < heldOut.length; i++)
        cost -= Math.log(
          (1 - lambda) * (ofHead[i] as number) + lambda * (ofNeighbours[i] as number),
        );
      if (cost < lowest) {
        lowest = cost;
        best = { scale, lambda };
      }
    }
  }
  return best;
}

/** -ln of the Gaussian prior, but for a constant. */
function surprise({ scale, lambda }: Blend): number {
  const off = (lambda - LIKELY.lambda) / LIKELY.lambdaDeviation;
  const offScale = Math.log(scale / LIKELY.scale) / LIKELY.scaleDeviation;
  return (off * off + offScale * offScale) / 2;
}

function softmaxAt(logits: Float32Array, label: number, scale: number): number {
  const largest = maximum(logits);
  let total = 0;
  for (const z of logits) total += Math.exp(scale * (z - largest));
  return Math.max(1e-300, Math.exp(scale * ((logits[label] as number) - largest)) / total);
}
