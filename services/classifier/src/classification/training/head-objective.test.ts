import { expect, test } from 'vitest';
import { gramsOf, LexicalFeatures } from '../lexical.js';
import { centroidWeights, fitHead } from './fit-head.js';
import { headObjective, loadObjective } from './head-objective.js';
import { type LabelledRows, vectorOf } from './labelled-rows.js';

const session = await loadObjective();
const NOTHING: LabelledRows = {
  count: 0,
  dimensions: 2,
  classes: 2,
  vectors: new Float32Array(),
  grams: [],
  labels: new Int32Array(),
};

/** Numbers that look random and are always the same. */
const noise = (n: number) => (Math.sin(n * 12.9898) * 43758.5453) % 1;

function someRows(count: number, dimensions: number, classes: number): LabelledRows {
  return {
    count,
    dimensions,
    classes,
    vectors: Float32Array.from({ length: count * dimensions }, (_, n) => noise(n + 1)),
    grams: Array.from({ length: count }, (_, n) => gramsOf(`word${n % 5} other${n % 3}`)),
    labels: Int32Array.from({ length: count }, (_, n) => (n * n) % classes),
  };
}

test('the gradient is the slope of the value', async () => {
  const rows = someRows(60, 6, 3);
  const features = LexicalFeatures.count(rows.grams);
  const words = rows.grams.map((grams) => features.vector(grams));
  const prior = centroidWeights(
    Float32Array.from({ length: 18 }, (_, n) => noise(n)),
    6,
  );
  const objective = headObjective(session, rows, words, prior);
  const at = Float32Array.from(prior.parameters, (value, n) => value + 0.3 * noise(n));
  const gradient = new Float32Array(at.length);
  await objective(at, gradient);
  const unused = new Float32Array(at.length);
  const value = async (n: number, step: number) => {
    const moved = at.slice();
    moved[n] = (moved[n] ?? 0) + step;
    return objective(moved, unused);
  };
  const lexical = [...(words[0]?.indices ?? [])].map((index) => (6 + 1 + index) * 3 + 1);
  for (const n of [0, 1, 7, 17, 18, 19, 20, ...lexical]) {
    const slope = ((await value(n, 0.02)) - (await value(n, -0.02))) / 0.04;
    expect(Math.abs((gradient[n] ?? 0) - slope)).toBeLessThan(0.01);
  }
});

test('one row of each class, alone: two classes at right angles', async () => {
  const rows: LabelledRows = {
    ...NOTHING,
    count: 2,
    vectors: Float32Array.of(1, 0, 0, 1),
    grams: [gramsOf('left'), gramsOf('right')],
    labels: Int32Array.of(0, 1),
  };
  const { weights, features, sums } = await fitHead(session, rows, NOTHING);
  expect([...sums]).toEqual([1, 0, 0, 1]);
  const logits = new Float32Array(2);
  weights.logits(Float32Array.of(1, 0), features.vector(gramsOf('left')), logits);
  expect(logits[0]).toBeGreaterThan((logits[1] ?? 0) + 9);
});

test('a class with few rows is not drowned by one with many', async () => {
  const directions = Array.from({ length: 52 }, (_, n) => (n < 50 ? 0.9 : 0.3) + 0.1 * noise(n));
  const rows: LabelledRows = {
    ...NOTHING,
    count: 52,
    vectors: Float32Array.from(directions.flatMap((angle) => [Math.cos(angle), Math.sin(angle)])),
    grams: directions.map(() => gramsOf('same')),
    labels: Int32Array.from(directions, (_, n) => (n < 50 ? 0 : 1)),
  };
  const { weights, features } = await fitHead(session, rows, NOTHING);
  const logits = new Float32Array(2);
  weights.logits(vectorOf(rows, 51), features.vector(gramsOf('same')), logits);
  expect(logits[1]).toBeGreaterThan(logits[0] ?? 0);
});

test('what is said of a class counts', async () => {
  const rows: LabelledRows = {
    ...NOTHING,
    count: 2,
    vectors: Float32Array.of(1, 0, 0.96, 0.28),
    grams: [gramsOf('x'), gramsOf('x')],
    labels: Int32Array.of(0, 1),
  };
  const about = { ...NOTHING, count: 1, vectors: Float32Array.of(0, 1) };
  const said = { ...about, grams: [gramsOf('x')], labels: Int32Array.of(1) };
  const logit = async (more: LabelledRows) => {
    const { weights, features } = await fitHead(session, rows, more);
    const logits = new Float32Array(2);
    weights.logits(Float32Array.of(0, 1), features.vector(gramsOf('x')), logits);
    return (logits[1] ?? 0) - (logits[0] ?? 0);
  };
  expect(await logit(said)).toBeGreaterThan((await logit(NOTHING)) + 2);
});
