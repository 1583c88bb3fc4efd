/** `node one-size.mjs FILE DIMENSIONS REAL SIZE`: the index of `bench -- index` with so many exemplars. */
import { readFile } from 'node:fs/promises';
import { ExemplarIndex } from '../../../services/classifier/dist/exemplars/exemplar-index.js';
import { IndexSnapshots } from '../../../services/classifier/dist/exemplars/index-snapshots.js';
import { quantile } from '../figures.mjs';
import { temporaryFolder } from '../processes.mjs';
import { numbers } from '../texts.mjs';

const [, , file = '', ...rest] = process.argv;
const [dimensions, real, size] = rest.map(Number);
const K = 10;
/** Brute force over a million takes a second. */
const JUDGED = size > 100_000 ? 50 : 200;
const NOISE = 0.48;
const random = numbers(7);

const { buffer, byteOffset, byteLength } = await readFile(file);
const known = new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
const prompts = Array.from({ length: known.length / dimensions - real }, (_, n) =>
  known.subarray((real + n) * dimensions, (real + n + 1) * dimensions),
);

function normalized(vector) {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

const stored = new Float32Array(size * dimensions);
for (let n = 0; n < size; n++) {
  const original = known.subarray((n % real) * dimensions, ((n % real) + 1) * dimensions);
  if (n < real) {
    stored.set(original, n * dimensions);
    continue;
  }
  // Of two numbers summed, near enough to normal.
  const noise = normalized(
    Float32Array.from({ length: dimensions }, () => random(20_001) + random(20_001) - 20_000),
  );
  stored.set(normalized(original.map((value, i) => value + NOISE * noise[i])), n * dimensions);
}
const vectorOf = (n) => stored.subarray(n * dimensions, (n + 1) * dimensions);

function nearest(query) {
  const found = [];
  for (let n = 0; n < size; n++) {
    let sum = 0;
    const at = n * dimensions;
    for (let i = 0; i < dimensions; i++) sum += stored[at + i] * query[i];
    if (found.length === K && sum <= found[K - 1][0]) continue;
    found.push([sum, n]);
    found.sort((a, b) => b[0] - a[0]);
    found.length = Math.min(found.length, K);
  }
  return new Set(found.map(([, n]) => String(n)));
}

const megabytes = () => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};
const folder = await temporaryFolder();
const silent = { info() {}, warn: console.warn, error: console.error, debug() {} };
const snapshots = new IndexSnapshots({
  directory: folder.path,
  dimensions,
  modelDigest: 'bench',
  logger: silent,
});
const built = new ExemplarIndex(dimensions, { directory: folder.path });
let started = performance.now();
await built.rebuilt(async () => {
  for (let n = 0; n < size; n++)
    built.put({ id: String(n), intent: `intent ${n % 50}`, version: 1 }, vectorOf(n));
});
await built.settled();
const buildMs = performance.now() - started;
await snapshots.write(built, () => 1);
await built.close();

const before = megabytes();
started = performance.now();
const { index } = await snapshots.load();
const loadMs = performance.now() - started;
for (const query of prompts) index.search(query, K);
const taken = [];
let found = 0;
for (const [n, query] of prompts.entries()) {
  const searching = performance.now();
  const answer = index.search(query, K);
  taken.push(performance.now() - searching);
  if (n >= JUDGED) continue;
  const truth = nearest(query);
  found += answer.filter(({ id }) => truth.has(id)).length;
}
const row = {
  exemplars: size,
  vectors: size <= real ? 'real' : `${real} real, the rest copies with noise`,
  'build s': buildMs / 1000,
  'load ms': loadMs,
  'search p50': quantile(taken, 0.5),
  'search p99': quantile(taken, 0.99),
  'recall@10': found / (K * JUDGED),
  'memory MB': megabytes() - before,
};
await index.close();
await folder.remove();
process.stdout.write(JSON.stringify(row));
process.exit(0);
