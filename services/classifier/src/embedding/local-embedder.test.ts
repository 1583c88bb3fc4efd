import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger } from '@switchyard/service-kit';
import { beforeAll, expect, test } from 'vitest';
import { EncoderThread } from './encoder-thread.js';
import { EncoderThreads } from './encoder-threads.js';
import { LocalEmbedder } from './local-embedder.js';
import { PassingThreads } from './passing-threads.js';
import { prepareModel } from './preparation/index.js';
import { loadSentenceEncoder, type SentenceEncoderOptions } from './sentence-encoder.js';

const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const logger = createLogger('test', 'silent');
const SHORT = 'Write a Python function to sort a list';
const LONG = `${'Summarize the following text, please. '.repeat(20)}`;

let options: SentenceEncoderOptions;
let encode: Awaited<ReturnType<typeof loadSentenceEncoder>>;

beforeAll(async () => {
  const modelDir = process.env.MODEL_DIR ?? join(repository, '.models');
  const { path, dtype } = await prepareModel({ modelDir, log: () => undefined });
  options = { model: path, remote: false, dtype, maxTokens: 128 };
  encode = await loadSentenceEncoder(options);
});

test('a text has the same vector, wherever it is embedded', async () => {
  const embedder = await LocalEmbedder.start({
    ...options,
    modelName: 'm',
    modelDigest: 'm',
    workers: 2,
    logger,
  });
  expect(embedder.dimensions).toBe(384);
  // Alone it is embedded here; among others, or for an import, or when it is long, by a thread.
  const alone = await embedder.embed(SHORT);
  const among = await Promise.all([SHORT, SHORT, LONG, SHORT].map((text) => embedder.embed(text)));
  const bulk = await embedder.embed(SHORT, { priority: 'bulk' });
  const short = await encode(SHORT);
  expect([alone, bulk, among[0], among[1], among[3]]).toEqual(Array(5).fill(short));
  expect(among[2]).toEqual(await encode(LONG));
  await embedder.close();
});

test('a thread that ends is replaced, and the others go on meanwhile', async () => {
  const started: EncoderThread[] = [];
  const threads = await EncoderThreads.start(
    2,
    async () => {
      const thread = await EncoderThread.start(options);
      started.push(thread);
      return thread;
    },
    logger,
  );
  await started[0]?.close();
  await expect(started[0]?.encode(SHORT)).rejects.toThrow('the embedding thread ended');
  const expected = await encode(SHORT);
  expect(await threads.encode(SHORT)).toEqual(expected);
  while (started.length < 3) await threads.encode(SHORT);
  await started[1]?.close();
  await started[2]?.close();
  expect(await threads.encode(SHORT)).toEqual(expected);
  expect(started.length).toBeGreaterThan(3);
  await threads.close();
});

/** Threads of this process that give way to others; Linux only. */
const threadsInBackground = () =>
  readdirSync('/proc/self/task').filter((id) => getPriority(Number(id)) > getPriority()).length;

test('threads for bulk texts are there while they are needed, in the background', async () => {
  let starts = 0;
  const passing = new PassingThreads(async () => {
    if (++starts === 1) throw new Error('no memory');
    const startOne = () => EncoderThread.start({ ...options, background: true });
    return EncoderThreads.start(2, startOne, logger);
  }, 50);
  await expect(passing.encode(SHORT)).rejects.toThrow('no memory');
  const expected = await encode(SHORT);
  const three = Array.from({ length: 3 }, () => passing.encode(SHORT));
  expect(await Promise.all(three)).toEqual([expected, expected, expected]);
  expect(starts).toBe(2);
  const onLinux = process.platform === 'linux';
  if (onLinux) expect(threadsInBackground()).toBeGreaterThanOrEqual(2);
  if (onLinux) await expect.poll(threadsInBackground, { timeout: 10_000 }).toBe(0);
  expect(await passing.encode(SHORT)).toEqual(expected);
  await passing.close();
  if (onLinux) expect(threadsInBackground()).toBe(0);
});

test('a model that cannot be loaded is a problem of MODEL', async () => {
  const start = LocalEmbedder.start({
    ...options,
    model: join(options.model, 'missing'),
    modelName: 'm',
    modelDigest: 'm',
    workers: 1,
    logger,
  });
  await expect(start).rejects.toMatchObject({
    name: 'ConfigError',
    problems: [expect.stringMatching(/^MODEL: .*missing cannot be loaded: /)],
  });
});
