import { once } from 'node:events';
import type { Job } from '@switchyard/contracts';
import { HttpError } from '@switchyard/service-kit';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { CHUNK_LINES, type Ingestion, type JobQueue, MAX_WAITING } from './job-queue.js';
import { Gate, ndjson, trainedAtOnce } from './test-support/gate.js';

/** One durable place for jobs, empty at first. */
export interface JobPlace extends AsyncDisposable {
  open(ingestion: Ingestion): Promise<JobQueue>;
  /** Names of what is kept there. */
  content(): Promise<string[]>;
}

export const inState = async (queue: JobQueue, id: string, state: Job['state']): Promise<Job> => {
  const { result } = await eventually(async () => {
    const job = await queue.get(id);
    expect(job?.state).toBe(state);
    return job as Job;
  });
  return result;
};

/** What every JobQueue does; each implementation runs it on a place of its own. */
export function jobQueueContract(newPlace: () => Promise<JobPlace>): void {
  test('counts every line, numbers the bad ones, and tells watchers until the end', async () => {
    await using place = await newPlace();
    const gate = new Gate(0);
    const queue = await place.open(trainedAtOnce(gate.handle));
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
    await eventually(() => expect(seen.at(-1)).toEqual(job));
    expect(seen.map(({ done }) => done)).toEqual(
      [...seen.map(({ done }) => done)].sort((a, b) => a - b),
    );
    expect(gate.handled).toBe(Math.ceil(250 / CHUNK_LINES));
    stop();
    const late: Job[] = [];
    const stops = [id, 'unknown'].map((one) => queue.watch(one, (found) => late.push(found)));
    await eventually(() => expect(late).toEqual([job]));
    for (const stopOne of stops) stopOne();
    await queue.close();
  });

  test('an upload without lines is completed at once', async () => {
    await using place = await newPlace();
    const queue = await place.open(trainedAtOnce(new Gate(0).handle));
    const { id } = await queue.submit(ndjson(0), 'reject');
    expect(await inState(queue, id, 'completed')).toMatchObject({ total: 0, done: 0, failed: [] });
    await queue.close();
  });

  test('goes on after a restart in the middle, and counts nothing twice', async () => {
    await using place = await newPlace();
    const before = new Gate(2);
    let queue = await place.open(trainedAtOnce(before.handle));
    const { id } = await queue.submit(ndjson(500), 'reject');
    const waiting = await queue.submit(ndjson(1, 'waiting'), 'reject');
    await eventually(async () => expect((await queue.get(id))?.done).toBe(2 * CHUNK_LINES));
    const closing = queue.close();
    before.release();
    await closing;

    const after = new Gate();
    queue = await place.open(trainedAtOnce(after.handle));
    const job = await inState(queue, id, 'completed');
    expect(job).toMatchObject({ total: 500, done: 500, added: 495, duplicates: 0, rejected: 5 });
    expect(job.failed.map(({ line }) => line)).toEqual([100, 200, 300, 400, 500]);
    expect([...before.texts].filter((text) => after.texts.has(text))).toEqual([]);
    await inState(queue, waiting.id, 'completed');
    await queue.close();
  });

  test('is complete when the scoring is trained, while the next job goes on', async () => {
    await using place = await newPlace();
    const gate = new Gate();
    const waiting = new Map<number, () => void>();
    const queue = await place.open({
      handle: gate.handle,
      settled: (version) => new Promise((resolve) => waiting.set(version, resolve)),
    });
    const first = await queue.submit(ndjson(CHUNK_LINES + 1), 'reject');
    await eventually(() => expect([...waiting.keys()]).toEqual([2]));
    const second = await queue.submit(ndjson(1, 'second'), 'reject');
    await eventually(() => expect([...waiting.keys()]).toEqual([2, 3]));
    expect(await queue.get(first.id)).toMatchObject({ state: 'running', done: CHUNK_LINES + 1 });
    waiting.get(3)?.();
    await inState(queue, second.id, 'completed');
    expect((await queue.get(first.id))?.state).toBe('running');
    waiting.get(2)?.();
    await inState(queue, first.id, 'completed');
    await queue.close();
  });

  test('waits for the training again after a restart, and fails with it', async () => {
    await using place = await newPlace();
    const gate = new Gate();
    let queue = await place.open({
      handle: gate.handle,
      settled: async (_version, signal) => {
        if (!signal.aborted) await once(signal, 'abort');
        throw signal.reason;
      },
    });
    const { id } = await queue.submit(ndjson(3), 'reject');
    await eventually(async () => expect((await queue.get(id))?.done).toBe(3));
    await queue.close();
    const asked = new Set<number>();
    queue = await place.open({
      handle: gate.handle,
      settled: async (version) => {
        asked.add(version);
        throw new Error('cannot be trained');
      },
    });
    const job = await inState(queue, id, 'failed');
    expect(job).toMatchObject({ added: 3, error: 'cannot be trained' });
    expect([...asked]).toEqual([1]);
    expect(gate.handled).toBe(1);
    await queue.close();
  });

  test('an upload that breaks off leaves nothing', async () => {
    await using place = await newPlace();
    const queue = await place.open(trainedAtOnce(new Gate(0).handle));
    const before = await place.content();
    async function* broken() {
      yield* ndjson(10_000);
      throw new Error('gone');
    }
    await expect(queue.submit(broken(), 'reject')).rejects.toThrow('gone');
    expect(await place.content()).toEqual(before);
    await queue.close();
  });

  test('takes only so many jobs at once', async () => {
    await using place = await newPlace();
    const gate = new Gate(0);
    const queue = await place.open(trainedAtOnce(gate.handle));
    const accepted: Job[] = [];
    for (let n = 0; n < MAX_WAITING; n++) accepted.push(await queue.submit(ndjson(1), 'reject'));
    await expect(queue.submit(ndjson(1), 'reject')).rejects.toMatchObject({
      status: 429,
      code: 'too_many_jobs',
    });
    gate.release();
    for (const { id } of accepted) await inState(queue, id, 'completed');
    await queue.submit(ndjson(1), 'reject');
    await queue.close();
  });

  describe('a chunk that cannot be handled', () => {
    test('waits while the embedder is overloaded', async () => {
      await using place = await newPlace();
      const gate = new Gate();
      let refusals = 2;
      const queue = await place.open(
        trainedAtOnce((lines, onConflict, key) => {
          if (refusals-- > 0) throw new HttpError(503, 'overloaded', 'busy');
          return gate.handle(lines, onConflict, key);
        }),
      );
      const { id } = await queue.submit(ndjson(3), 'reject');
      expect(await inState(queue, id, 'completed')).toMatchObject({ added: 3, rejected: 0 });
      await queue.close();
    });

    test('is tried again after an accident, under the same key, and its job does not notice', async () => {
      await using place = await newPlace();
      const gate = new Gate();
      const attempts = new Map<string, number>();
      // Every chunk fails twice; were failures counted over the job, the second would end it.
      const queue = await place.open(
        trainedAtOnce(async (lines, onConflict, key) => {
          const attempt = (attempts.get(key) ?? 0) + 1;
          attempts.set(key, attempt);
          if (attempt <= 2) throw new Error('the worker died');
          return gate.handle(lines, onConflict, key);
        }),
      );
      const { id } = await queue.submit(ndjson(CHUNK_LINES + 1), 'reject');
      expect(await inState(queue, id, 'completed')).toMatchObject({ added: CHUNK_LINES + 1 });
      expect([...attempts.values()]).toEqual([3, 3]);
      await queue.close();
    });

    test('is not tried again when it was refused', async () => {
      await using place = await newPlace();
      let attempts = 0;
      const queue = await place.open(
        trainedAtOnce(async () => {
          attempts++;
          throw new HttpError(507, 'insufficient_storage', 'full');
        }),
      );
      const { id } = await queue.submit(ndjson(3), 'reject');
      expect(await inState(queue, id, 'failed')).toMatchObject({ error: 'full' });
      expect(attempts).toBe(1);
      await queue.close();
    });

    test('does not hold up a shutdown, and goes on at the next start', async () => {
      await using place = await newPlace();
      let tried = 0;
      let queue = await place.open(
        trainedAtOnce(async () => {
          tried++;
          throw new HttpError(503, 'overloaded', 'busy');
        }),
      );
      const { id } = await queue.submit(ndjson(3), 'reject');
      await eventually(() => expect(tried).toBeGreaterThan(0));
      await queue.close();
      queue = await place.open(trainedAtOnce(new Gate().handle));
      expect(await inState(queue, id, 'completed')).toMatchObject({ added: 3 });
      await queue.close();
    });

    test('fails its job, which says why, and not the next one', async () => {
      await using place = await newPlace();
      const gate = new Gate();
      const queue = await place.open(
        trainedAtOnce(async (lines, onConflict, key) => {
          if (JSON.stringify(lines).includes('cursed')) throw new Error('the disk burns');
          return gate.handle(lines, onConflict, key);
        }),
      );
      const [bad, good] = [
        await queue.submit(ndjson(3, 'cursed'), 'reject'),
        await queue.submit(ndjson(3), 'reject'),
      ];
      expect(await inState(queue, bad.id, 'failed')).toMatchObject({
        error: 'the disk burns',
        done: 0,
      });
      await inState(queue, good.id, 'completed');
      await queue.close();
    });
  });
}
