import type { Safetensors } from '../safetensors.js';

/**
 * all-MiniLM-L6-v2 from the BERT paper in plain loops, sharing nothing with the graph: no transposed,
 * joined or scaled weights, one token after another. Rows are tokens.
 */
const WIDTH = 384;
const INNER = 1536;
const HEADS = 12;
const HEAD_WIDTH = WIDTH / HEADS;
const LAYERS = 6;
const EPSILON = 1e-12;

type Rows = readonly Float32Array[];

const at = (values: Float32Array, i: number) => values[i] as number;

/** After so many layers. */
export function referenceHiddenStates(
  weights: Safetensors,
  ids: readonly number[],
  layers = LAYERS,
): Float32Array {
  const vector = (name: string, size = WIDTH) => weights.floats(name, [size]).data;

  const dense = (x: Rows, name: string, inputs = WIDTH, outputs = WIDTH): Rows => {
    const weight = weights.floats(`${name}.weight`, [outputs, inputs]).data;
    const bias = vector(`${name}.bias`, outputs);
    return x.map((row) =>
      Float32Array.from({ length: outputs }, (_, o) => {
        let sum = at(bias, o);
        for (let i = 0; i < inputs; i++) sum += at(weight, o * inputs + i) * at(row, i);
        return sum;
      }),
    );
  };

  const normalize = (x: Rows, name: string): Rows => {
    const [gain, shift] = [vector(`${name}.weight`), vector(`${name}.bias`)];
    return x.map((row) => {
      const mean = row.reduce((sum, value) => sum + value, 0) / WIDTH;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / WIDTH;
      const deviation = Math.sqrt(variance + EPSILON);
      return row.map((value, i) => ((value - mean) / deviation) * at(gain, i) + at(shift, i));
    });
  };

  let hidden = normalize(embed(weights, ids), 'embeddings.LayerNorm');
  for (let layer = 0; layer < layers; layer++) {
    const prefix = `encoder.layer.${layer}`;
    const self = (part: string) => dense(hidden, `${prefix}.attention.self.${part}`);
    const mixed = attend(self('query'), self('key'), self('value'));
    const projected = dense(mixed, `${prefix}.attention.output.dense`);
    hidden = normalize(add(projected, hidden), `${prefix}.attention.output.LayerNorm`);
    const inner = dense(hidden, `${prefix}.intermediate.dense`, WIDTH, INNER);
    const active = inner.map((row) => row.map(gelu));
    const reduced = dense(active, `${prefix}.output.dense`, INNER, WIDTH);
    hidden = normalize(add(reduced, hidden), `${prefix}.output.LayerNorm`);
  }
  return Float32Array.from(hidden.flatMap((row) => [...row]));
}

function embed(weights: Safetensors, ids: readonly number[]): Rows {
  const table = (kind: string, rows: number) =>
    weights.floats(`embeddings.${kind}_embeddings.weight`, [rows, WIDTH]).data;
  const [words, positions, types] = [
    table('word', 30522),
    table('position', 512),
    table('token_type', 2),
  ] as const;
  return ids.map((id, position) =>
    Float32Array.from(
      { length: WIDTH },
      (_, i) => at(words, id * WIDTH + i) + at(positions, position * WIDTH + i) + at(types, i),
    ),
  );
}

function attend(queries: Rows, keys: Rows, values: Rows): Rows {
  return queries.map((query) => {
    const out = new Float32Array(WIDTH);
    for (let first = 0; first < WIDTH; first += HEAD_WIDTH) {
      const scores = keys.map((key) => {
        let dot = 0;
        for (let i = first; i < first + HEAD_WIDTH; i++) dot += at(query, i) * at(key, i);
        return Math.exp(dot / Math.sqrt(HEAD_WIDTH));
      });
      const total = scores.reduce((sum, score) => sum + score, 0);
      for (const [token, value] of values.entries()) {
        const share = (scores[token] as number) / total;
        for (let i = first; i < first + HEAD_WIDTH; i++) out[i] = at(out, i) + share * at(value, i);
      }
    }
    return out;
  });
}

function add(a: Rows, b: Rows): Rows {
  return a.map((row, r) => row.map((value, i) => value + at(b[r] as Float32Array, i)));
}

function gelu(x: number): number {
  return (x * (1 + erf(x / Math.SQRT2))) / 2;
}

/** Abramowitz and Stegun 7.1.26; absolute error below 1.5e-7. */
function erf(x: number): number {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const series =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  return Math.sign(x) * (1 - series * Math.exp(-x * x));
}
