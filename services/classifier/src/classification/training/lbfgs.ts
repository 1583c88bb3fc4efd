/** A function to minimise: writes its gradient at `x` into `gradient`, and gives its value. */
export type Objective = (x: Float32Array, gradient: Float32Array) => Promise<number>;

/** Pairs of steps and gradient changes that stand for the curvature. */
const MEMORY = 8;
const LINE_SEARCH_STEPS = 12;
/** The weak Wolfe conditions: enough decrease, and a slope that has become flat enough. */
const DECREASE = 1e-4;
const FLATTENING = 0.9;
/** Stops when an iteration gains less than this share of the value. */
const TOLERANCE = 1e-4;

interface Pair {
  step: Float32Array;
  change: Float32Array;
  /** 1 / (step . change) */
  rho: number;
}

/**
 * L-BFGS (Nocedal & Wright, Numerical Optimization, algorithms 7.4 and 7.5) with a bisecting line
 * search for the weak Wolfe conditions (Lewis & Overton, 2013). Starts at `start`, which it leaves
 * alone, and gives the best point found in at most `iterations`.
 */
export async function minimize(
  objective: Objective,
  start: Float32Array,
  iterations: number,
): Promise<Float32Array> {
  let x = Float32Array.from(start);
  let gradient = new Float32Array(x.length);
  let value = await objective(x, gradient);
  const pairs: Pair[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    const direction = downhill(gradient, pairs);
    const slope = dot(gradient, direction);
    if (!(slope < 0)) break;
    const next = await lineSearch(objective, { x, value, slope, direction, first: !pairs.length });
    if (!next) break;
    const step = difference(next.x, x);
    const change = difference(next.gradient, gradient);
    const curvature = dot(step, change);
    if (curvature > 1e-10) pairs.push({ step, change, rho: 1 / curvature });
    if (pairs.length > MEMORY) pairs.shift();
    const gain = value - next.value;
    ({ x, gradient, value } = next);
    if (gain < TOLERANCE * Math.abs(value)) break;
  }
  return x;
}

/** The two-loop recursion: -H * gradient, H the inverse curvature that the pairs stand for. */
function downhill(gradient: Float32Array, pairs: readonly Pair[]): Float32Array {
  const direction = gradient.map((value) => -value);
  const alphas: number[] = [];
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { step, change, rho } = pairs[i] as Pair;
    alphas[i] = rho * dot(step, direction);
    addScaled(direction, change, -(alphas[i] as number));
  }
  const last = pairs.at(-1);
  const scale = last
    ? 1 / (last.rho * dot(last.change, last.change))
    : 1 / Math.max(1e-6, Math.sqrt(dot(gradient, gradient)));
  for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] as number) * scale;
  for (const [i, { step, change, rho }] of pairs.entries())
    addScaled(direction, step, (alphas[i] as number) - rho * dot(change, direction));
  return direction;
}

interface Line {
  x: Float32Array;
  value: number;
  slope: number;
  direction: Float32Array;
  first: boolean;
}

/** undefined when no step along the line makes the value smaller. */
async function lineSearch(objective: Objective, line: Line) {
  const x = new Float32Array(line.x.length);
  const gradient = new Float32Array(line.x.length);
  // Without curvature the direction has length 1, which is short for weights of length 10.
  let length = line.first ? 10 : 1;
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  let value = line.value;
  for (let attempt = 0; attempt < LINE_SEARCH_STEPS; attempt++) {
    for (let i = 0; i < x.length; i++)
      x[i] = (line.x[i] as number) + length * (line.direction[i] as number);
    value = await objective(x, gradient);
    if (!(value <= line.value + DECREASE * length * line.slope)) {
      high = length;
      length = (low + high) / 2;
    } else if (dot(gradient, line.direction) < FLATTENING * line.slope) {
      low = length;
      length = high === Number.POSITIVE_INFINITY ? length * 2.5 : (low + high) / 2;
    } else break;
  }
  return value < line.value ? { x, gradient, value } : undefined;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function difference(a: Float32Array, b: Float32Array): Float32Array {
  const result = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = (a[i] as number) - (b[i] as number);
  return result;
}

function addScaled(target: Float32Array, addend: Float32Array, factor: number): void {
  for (let i = 0; i < target.length; i++)
    target[i] = (target[i] as number) + factor * (addend[i] as number);
}
