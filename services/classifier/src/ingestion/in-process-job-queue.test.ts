import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '@switchyard/contracts';
import { createLogger, HttpError } from '@switchyard/service-kit';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { temporaryDirectory } from '../../../../test/support/temporary-directory.js';
import { InProcessJobQueue } from './in-process-job-queue.js';
import { CHUNK_LINES, type ChunkHandler, MAX_WAITING } from './job-queue.js';

const logger = createLogger('test', 'silent');

async function* ndjson(lines: number): AsyncGenerator<Uint8Array> {
  for (let n = 1; n <= lines; n++)
    yield Buffer.from(n % 100 === 0 ? 'bad\n' : `{"intent":"a","text":"text ${n}"}\n`);
}

/** Adds to a set, as the store would; `open` chunks pass at once, the others wait for `release`. */
class Gate {
  readonly texts = new Set<string>();
  handled = 0;
  #waiting: (() => void)[] = [];

  constructor(private open: number) {}

  release(): void {
    this.open = Number.POSITIVE_INFINITY;
    for (const go of this.#waiting) go();
  }

  readonly handle: ChunkHandler = async (lines) => {
    if (this.open-- <= 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const result = { done: lines.length, added: 0, duplicates: 0, failed: [] as Job['failed'] };
    for (const line of lines) {
      if (line.problem !== undefined) result.failed.push({ line: line.line, error: line.problem });
      else if (this.texts.has(line.exemplar.text)) result.duplicates++;
      else {
        this.texts.add(line.exemplar.text);
        result.added++;
      }
    }
    this.handled++;
    return result;
  };
}

const inState = async (queue: InProcessJobQueue, id: string, state: Job['state']) =>
  (
    await eventually(async () => {
      const job = await queue.get(id);
      expect(job?.state).toBe(state);
      return job as Job;
    })
  ).result;

test('counts every line, numbers the bad ones, and tells watchers until the end', async () => {
  await using directory = await temporaryDirectory();
  const gate = new Gate(0);
  const queue = await InProcessJobQueue.open(directory.path, gate.handle, logger);
  const { id, total } = await queue.submit(ndjson(250), 'reject');
  expect(total).toBe(250);
  const seen: Job[] = [];
  const stop = queue.watch(id, (job) => seen.push(job));
  // Nothing happens now, and still the watcher knows where the job is.
  await eventually(() => expect(seen[0]).toMatchObject({ id, done: 0 }));
  gate.release();
  const job = await inState(queue, id, 'completed');
  expect(job).toMatchObject({ done: 250, added: 248, duplicates: 0, rejected: 2 });
  expect(job.failed.map(({ line }) => line)).toEqual([100, 200]);
  expect(seen.at(-1)).toEqual(job);
  expect(seen.map(({ done }) => done)).toEqual(
    [...seen.map(({ done }) => done)].sort((a, b) => a - b),
  );
  expect(gate.handled).toBe(Math.ceil(250 / CHUNK_LINES));
  expect(await readdir(directory.path)).toEqual([`${id}.json`]);
  stop();
  const late: Job[] = [];
  queue.watch(id, (job) => late.push(job))();
  queue.watch('unknown', (job) => late.push(job))();
  await eventually(() => expect(late).toEqual([job]));
  await queue.close();
});

test('goes on after a restart in the middle, and adds nothing twice', async () => {
  await using directory = await temporaryDirectory();
  const before = new Gate(2);
  let queue = await InProcessJobQueue.open(directory.path, before.handle, logger);
  const { id } = await queue.submit(ndjson(500), 'reject');
  const waiting = await queue.submit(ndjson(1), 'reject');
  await eventually(async () => expect((await queue.get(id))?.done).toBe(2 * CHUNK_LINES));
  const closing = queue.close();
  before.release();
  await closing;
  const done = (await queue.get(id))?.done ?? 0;
  expect(done).toBe(3 * CHUNK_LINES);

  const after = new Gate(Number.POSITIVE_INFINITY);
  queue = await InProcessJobQueue.open(directory.path, after.handle, logger);
  const job = await inState(queue, id, 'completed');
  expect(job).toMatchObject({ total: 500, done: 500, added: 495, duplicates: 0, rejected: 5 });
  expect(job.failed.map(({ line }) => line)).toEqual([100, 200, 300, 400, 500]);
  expect([...before.texts].filter((text) => after.texts.has(text) && text !== 'text 1')).toEqual(
    [],
  );
  await inState(queue, waiting.id, 'completed');
  await queue.close();
});

test('an upload that breaks off leaves nothing', async () => {
  await using directory = await temporaryDirectory();
  const queue = await InProcessJobQueue.open(directory.path, new Gate(0).handle, logger);
  async function* broken() {
    yield* ndjson(10_000);
    throw new Error('gone');
  }
  await expect(queue.submit(broken(), 'reject')).rejects.toThrow('gone');
  expect(await readdir(directory.path)).toEqual([]);
  await queue.close();
});

test('what a crash left half written is cleared away; a damaged record is one clear error', async () => {
  await using directory = await temporaryDirectory();
  await writeFile(join(directory.path, 'never-accepted.ndjson'), '{');
  await writeFile(join(directory.path, 'half.json.tmp'), '{');
  const queue = await InProcessJobQueue.open(directory.path, new Gate(0).handle, logger);
  expect(await readdir(directory.path)).toEqual([]);
  await queue.close();
  const path = join(directory.path, 'damaged.json');
  await writeFile(path, '{"id":');
  await expect(
    InProcessJobQueue.open(directory.path, new Gate(0).handle, logger),
  ).rejects.toMatchObject({ name: 'ConfigError', problems: [expect.stringContaining(path)] });
});

test('takes only so many jobs at once, those still being uploaded included', async () => {
  await using directory = await temporaryDirectory();
  const gate = new Gate(0);
  const queue = await InProcessJobQueue.open(directory.path, gate.handle, logger);
  const accepted = await Promise.all(
    Array.from({ length: MAX_WAITING }, () => queue.submit(ndjson(1), 'reject')),
  );
  await expect(queue.submit(ndjson(1), 'reject')).rejects.toMatchObject({
    status: 429,
    code: 'too_many_jobs',
  });
  gate.release();
  for (const { id } of accepted) await inState(queue, id, 'completed');
  const uploads = Array.from({ length: MAX_WAITING + 1 }, () => queue.submit(ndjson(1), 'reject'));
  const outcomes = await Promise.allSettled(uploads);
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  await queue.close();
});

describe('a chunk that cannot be handled', () => {
  test('waits while the embedder is overloaded', async () => {
    await using directory = await temporaryDirectory();
    const gate = new Gate(Number.POSITIVE_INFINITY);
    let refusals = 2;
    const handle: ChunkHandler = (lines, onConflict, key) => {
      if (refusals-- > 0) throw new HttpError(503, 'overloaded', 'busy');
      return gate.handle(lines, onConflict, key);
    };
    const queue = await InProcessJobQueue.open(directory.path, handle, logger);
    const { id } = await queue.submit(ndjson(3), 'reject');
    expect(await inState(queue, id, 'completed')).toMatchObject({ done: 3, added: 3, rejected: 0 });
    await queue.close();
  });

  test('is tried again after an accident, and its job does not notice', async () => {
    await using directory = await temporaryDirectory();
    const gate = new Gate(Number.POSITIVE_INFINITY);
    const attempts = new Map<number, number>();
    // Every chunk fails twice; were failures counted over the job, the second would end it.
    const handle: ChunkHandler = async (lines, onConflict, key) => {
      const first = lines[0]?.line ?? 0;
      const attempt = (attempts.get(first) ?? 0) + 1;
      attempts.set(first, attempt);
      if (attempt <= 2) throw new Error('the worker died');
      return gate.handle(lines, onConflict, key);
    };
    const queue = await InProcessJobQueue.open(directory.path, handle, logger);
    const { id } = await queue.submit(ndjson(CHUNK_LINES + 1), 'reject');
    expect(await inState(queue, id, 'completed')).toMatchObject({ added: CHUNK_LINES + 1 });
    await queue.close();
  });

  test('is not tried again when it was refused', async () => {
    await using directory = await temporaryDirectory();
    let attempts = 0;
    const full: ChunkHandler = async () => {
      attempts++;
      throw new HttpError(507, 'insufficient_storage', 'full');
    };
    const queue = await InProcessJobQueue.open(directory.path, full, logger);
    const { id } = await queue.submit(ndjson(3), 'reject');
    expect(await inState(queue, id, 'failed')).toMatchObject({ error: 'full' });
    expect(attempts).toBe(1);
    await queue.close();
  });

  test('does not hold up a shutdown, and goes on at the next start', async () => {
    await using directory = await temporaryDirectory();
    let tried = 0;
    const busy: ChunkHandler = async () => {
      tried++;
      throw new HttpError(503, 'overloaded', 'busy');
    };
    let queue = await InProcessJobQueue.open(directory.path, busy, logger);
    const { id } = await queue.submit(ndjson(3), 'reject');
    await eventually(() => expect(tried).toBeGreaterThan(0));
    await queue.close();
    const gate = new Gate(Number.POSITIVE_INFINITY);
    queue = await InProcessJobQueue.open(directory.path, gate.handle, logger);
    expect(await inState(queue, id, 'completed')).toMatchObject({ added: 3 });
    await queue.close();
  });

  test('fails its job, which says why, and not the next one', async () => {
    await using directory = await temporaryDirectory();
    const gate = new Gate(Number.POSITIVE_INFINITY);
    let attempts = 0;
    const handle: ChunkHandler = async (lines, onConflict, key) => {
      if (++attempts <= 3) throw new Error('the disk burns');
      return gate.handle(lines, onConflict, key);
    };
    const queue = await InProcessJobQueue.open(directory.path, handle, logger);
    const [bad, good] = [
      await queue.submit(ndjson(3), 'reject'),
      await queue.submit(ndjson(3), 'reject'),
    ];
    expect(await inState(queue, bad.id, 'failed')).toMatchObject({
      error: 'the disk burns',
      done: 0,
    });
    await inState(queue, good.id, 'completed');
    await queue.close();
    expect((await readdir(directory.path)).sort()).toEqual(
      [`${bad.id}.json`, `${good.id}.json`].sort(),
    );
  });
});
