/**
 * `npm run bench -- index [--sizes N,N] [--million]`: the index alone: how long it takes to build, to load
 * from a snapshot and to search, its memory, and recall@10 against brute force, with 1,000, 10,000 and
 * 100,000 exemplars; with --million also 1,000,000, which takes many minutes and 4 GB. The first 100,000 vectors are
 * those of texts that differ, embedded by the model, which takes two minutes the first time; beyond, they are copies of
 * these with noise (cosine about 0.9 to their original). Prompts are other texts. Each size has a process of its own.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadSentenceEncoder } from '../../services/classifier/dist/embedding/sentence-encoder.js';
import { printTable, save } from './figures.mjs';
import { modelDir, root } from './processes.mjs';
import { prompt } from './texts.mjs';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,10000,100000' },
    million: { type: 'boolean', default: false },
  },
});
const SIZES = options.sizes.split(',').concat(options.million ? ['1000000'] : []);
const REAL = 100_000;
const PROMPTS = 300;
const LIMIT_MS = options.million ? 60 * 60_000 : 5 * 60_000;
const folder = join(root, '.build/bench');
const file = join(folder, `vectors-${REAL}-${PROMPTS}.f32`);

/** Embedded once; the file is made anew when it is removed. */
async function embed() {
  const encode = await loadSentenceEncoder({
    model: join(modelDir, 'all-MiniLM-L6-v2'),
    remote: false,
    dtype: 'q8',
    maxTokens: 128,
  });
  const texts = new Set();
  for (let n = 0; texts.size < REAL + PROMPTS; n++) texts.add(prompt(n, 1).text);
  const vectors = [];
  for (const text of texts) vectors.push((await encode(text)).vector);
  await mkdir(folder, { recursive: true });
  await writeFile(
    file,
    Buffer.concat(vectors.map((one) => Buffer.from(one.buffer, one.byteOffset, one.byteLength))),
  );
}

if (!existsSync(file)) {
  process.stderr.write(`› embedding ${REAL + PROMPTS} texts\n`);
  await embed();
}
const bytes = (await readFile(file)).byteLength;
const dimensions = bytes / 4 / (REAL + PROMPTS);
const entry = fileURLToPath(new URL('index/one-size.mjs', import.meta.url));
const rows = SIZES.map((size) => {
  process.stderr.write(`› ${size} exemplars\n`);
  const heap = ['--max-old-space-size=6000', '--expose-gc'];
  const args = [...heap, entry, file, String(dimensions), String(REAL), size];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT_MS,
  });
  if (status !== 0) throw new Error(`${size} exemplars: it ended with ${status}`);
  return JSON.parse(stdout);
});
printTable('The index alone; times in ms', rows);
await save('index', { options, rows });
