import { randomUUID } from 'node:crypto';
import type { Job, OnConflict } from '@switchyard/contracts';
import {
  HttpError,
  type Logger,
  RedisConnection,
  type RedisLocation,
} from '@switchyard/service-kit';
import { DelayedError, Queue, type Job as Task, Worker, type WorkerOptions } from 'bullmq';
import { importsFull, tooManyJobs } from '../errors.js';
import { guarded, isPassing } from '../exemplars/redis-failure.js';
import { importLines } from './import-lines.js';
import {
  CHUNK_LINES,
  type ChunkHandler,
  type ImportLine,
  type Ingestion,
  type JobQueue,
  MAX_WAITING,
} from './job-queue.js';
import { watchJob } from './job-watch.js';
import { patient } from './patient-handler.js';
import { RedisJobBook } from './redis-job-book.js';

/** What the chunks of waiting imports may take in Redis, compressed: some 5 GB of NDJSON. */
const MAX_HELD_BYTES = 1024 ** 3;
/** Chunks of an upload after which it looks at what all uploads hold. */
const COUNTED_EVERY = 256;
/** One chunk is embedded while another is on its way to or from Redis. */
const CONCURRENCY = 2;
/** Ends only wait, for the scoring to be trained. */
const ENDS_AT_ONCE = 100;
/** Tasks handed to BullMQ in one command. */
const FED_AT_ONCE = 250;
/** A worker that does not renew its lock for so long is dead, or sleeps: the chunk is done again. */
const LOCK_MS = 10_000;
const STALLED_CHECK_MS = 5000;
/** Deaths that a chunk survives: one that kills whoever takes it must not kill them for ever. */
const MAX_STALLED = 5;
/** How long one attempt of the wait for Redis takes. */
const WAIT_MS = 500;
const ATTEMPTS = 3;
const BACKOFF_MS = 500;

type TaskData = { id: string; chunk?: number };

export interface BullmqJobQueueOptions {
  location: RedisLocation;
  prefix: string;
  ingestion: Ingestion;
  logger: Logger;
}

/**
 * Imports that every replica works on, a chunk at a time, through BullMQ. The upload is cut into
 * chunks that stay in Redis until they are done. A task only names a chunk: one that is done again,
 * after a crash or a lost answer, comes to the same, and is counted once.
 */
export class BullmqJobQueue implements JobQueue {
  readonly #closing = new AbortController();
  readonly #handle: ChunkHandler;
  readonly #connections: RedisConnection[];
  readonly #book: RedisJobBook;
  readonly #chunks: Queue<TaskData>;
  readonly #ends: Queue<TaskData>;
  readonly #workers: Worker<TaskData>[];

  private constructor(private readonly options: BullmqJobQueueOptions) {
    const { location, prefix, ingestion, logger } = options;
    this.#handle = patient(ingestion.handle, this.#closing.signal, logger);
    const commands = new RedisConnection(location, { name: 'classifier-imports', logger });
    const blocking = new RedisConnection(location, {
      ...{ name: 'classifier-import-worker', logger, blocking: true },
    });
    this.#connections = [commands, blocking];
    this.#book = new RedisJobBook(commands.client, prefix);
    const base = { connection: commands.client, prefix: `{${prefix}}` };
    const defaultJobOptions = {
      // Counted here, as deaths of workers are: the job's end is recorded before the task is gone.
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: 'exponential', delay: BACKOFF_MS },
      removeOnComplete: true,
      removeOnFail: true,
    };
    this.#chunks = new Queue('import-chunks', { ...base, defaultJobOptions });
    this.#ends = new Queue('import-ends', { ...base, defaultJobOptions });
    const worker = { ...base, connection: blocking.client };
    this.#workers = [
      this.#work('import-chunks', { ...worker, concurrency: CONCURRENCY }, (task) =>
        task.name === 'feed' ? this.#feed(task.data.id) : this.#runChunk(task.data),
      ),
      this.#work('import-ends', { ...worker, concurrency: ENDS_AT_ONCE }, (task) =>
        this.#end(task.data.id),
      ),
    ];
    // The connections report it; without a listener it would end the process.
    for (const one of [this.#chunks, this.#ends]) one.on('error', () => undefined);
  }

  /** Resolves when it is connected, however long that takes. */
  static async open(options: BullmqJobQueueOptions): Promise<BullmqJobQueue> {
    const queue = new BullmqJobQueue(options);
    for (const connection of queue.#connections) while (!(await connection.whenReady(WAIT_MS)));
    return queue;
  }

  async submit(ndjson: AsyncIterable<Uint8Array>, onConflict: OnConflict): Promise<Job> {
    const { count, bytes } = await this.#book.unfinished();
    if (count >= MAX_WAITING) throw tooManyJobs(MAX_WAITING);
    const id = randomUUID();
    try {
      await this.#book.begin(id, onConflict);
      let [total, chunks, held] = [0, 0, bytes];
      for await (const lines of inChunks(importLines(ndjson))) {
        held += await this.#book.stage(id, chunks++, lines);
        // Other uploads, at this replica or another, take of the same.
        if (chunks % COUNTED_EVERY === 0) held = (await this.#book.unfinished()).bytes;
        if (held > MAX_HELD_BYTES) throw importsFull(MAX_HELD_BYTES);
        total += lines.length;
      }
      await this.#book.accept(id, total, chunks);
      await guarded(() => this.#chunks.add('feed', { id }, { jobId: `feed-${id}` }));
    } catch (error) {
      await this.#book.drop(id).catch(() => undefined);
      throw error;
    }
    const job = await this.#book.get(id);
    if (!job) throw new Error(`job ${id} is gone`);
    return job;
  }

  async get(id: string): Promise<Job | undefined> {
    return this.#book.get(id);
  }

  watch(id: string, onUpdate: (job: Job) => void): () => void {
    return watchJob(() => this.#book.get(id), onUpdate);
  }

  /** Finishes the chunks at work; other replicas, or the next start, go on with what is left. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#workers.map((worker) => worker.close()));
    await Promise.all([this.#chunks.close(), this.#ends.close()]);
    await Promise.all(this.#connections.map((connection) => connection.close()));
  }

  #work(
    name: string,
    options: WorkerOptions,
    action: (task: Task<TaskData>) => Promise<void>,
  ): Worker<TaskData> {
    const worker = new Worker<TaskData>(
      name,
      async (task, token) => {
        try {
          if (task.stalledCounter > MAX_STALLED) throw new WorkersDied(task.stalledCounter);
          await action(task);
        } catch (error) {
          await this.#fail(task, error).catch(async (problem: unknown) => {
            const { aborted } = this.#closing.signal;
            if (!aborted && !isPassing(problem)) throw problem;
            // Neither a shutdown nor an outage of Redis is an attempt.
            await task.moveToDelayed(Date.now() + (aborted ? 0 : BACKOFF_MS), token);
            throw new DelayedError();
          });
        }
      },
      {
        ...options,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        maxStalledCount: Number.MAX_SAFE_INTEGER,
      },
    );
    worker.on('error', () => undefined);
    return worker;
  }

  /** Ends the job of a task that failed for good; rejects when it is to be tried again. */
  async #fail({ data, attemptsMade }: Task<TaskData>, error: unknown): Promise<void> {
    const mayPass = this.#closing.signal.aborted || isPassing(error);
    if (mayPass || (!isFinal(error) && attemptsMade + 1 < ATTEMPTS)) throw error;
    this.options.logger.error({ err: error, job: data.id }, 'import failed');
    await this.#book.end(data.id, 'failed', reasonOf(error));
  }

  /** Makes a task of every chunk. A task that is there already stays one. */
  async #feed(id: string): Promise<void> {
    const chunks = await this.#book.start(id);
    if (chunks === undefined) return;
    for (let from = 0; from < chunks; from += FED_AT_ONCE) {
      const numbers = Array.from(
        { length: Math.min(FED_AT_ONCE, chunks - from) },
        (_, n) => from + n,
      );
      await this.#chunks.addBulk(
        numbers.map((chunk) => ({
          name: 'chunk',
          data: { id, chunk },
          opts: { jobId: `chunk-${id}-${chunk}` },
        })),
      );
    }
    if (chunks === 0) await this.#addEnd(id);
  }

  async #runChunk({ id, chunk = 0 }: TaskData): Promise<void> {
    const found = await this.#book.chunk(id, chunk);
    const left = found
      ? await this.#book.finishChunk(
          id,
          chunk,
          await this.#handle(found.lines, found.onConflict, `${id}:${chunk}`),
        )
      : await this.#book.chunksLeft(id);
    if (left === 0) await this.#addEnd(id);
  }

  async #addEnd(id: string): Promise<void> {
    await this.#ends.add('end', { id }, { jobId: `end-${id}` });
  }

  async #end(id: string): Promise<void> {
    const version = await this.#book.version(id);
    await this.options.ingestion.settled(version, this.#closing.signal);
    await this.#book.end(id, 'completed');
  }
}

const isFinal = (error: unknown) => error instanceof HttpError || error instanceof WorkersDied;

class WorkersDied extends Error {
  constructor(count: number) {
    super(`${count} classifiers died or were stopped while they worked on one chunk`);
  }
}

const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

async function* inChunks(lines: AsyncIterable<ImportLine>): AsyncGenerator<ImportLine[]> {
  let chunk: ImportLine[] = [];
  for await (const line of lines) {
    chunk.push(line);
    if (chunk.length < CHUNK_LINES) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
