import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import type { Job, OnConflict } from '@switchyard/contracts';
import type { Logger } from '@switchyard/service-kit';
import { tooManyJobs } from '../errors.js';
import { importLines } from './import-lines.js';
import { JobFiles } from './job-files.js';
import { CHUNK_LINES, type ChunkHandler, type ImportLine, type JobQueue } from './job-queue.js';
import { type JobRecord, newJobRecord, publicJob, withChunk } from './job-record.js';

const MAX_WAITING = 100;
/** Finished jobs that can still be asked for. */
const MAX_FINISHED = 1000;

const isFinished = ({ state }: Job) => state === 'completed' || state === 'failed';

/**
 * One job at a time, in this process, from a file: an accepted job survives a restart and goes on
 * where it was. A chunk whose count was not yet saved then runs again and finds its lines there.
 */
export class InProcessJobQueue implements JobQueue {
  readonly #jobs = new Map<string, JobRecord>();
  readonly #updates = new EventEmitter().setMaxListeners(0);
  #running: Promise<void> = Promise.resolve();
  #closing = false;

  private constructor(
    private readonly files: JobFiles,
    private readonly handle: ChunkHandler,
    private readonly logger: Logger,
  ) {}

  static async open(
    directory: string,
    handle: ChunkHandler,
    logger: Logger,
  ): Promise<InProcessJobQueue> {
    const files = await JobFiles.open(directory);
    const queue = new InProcessJobQueue(files, handle, logger);
    for (const record of await files.load()) {
      queue.#jobs.set(record.id, record);
      if (!isFinished(record)) queue.#enqueue(record.id);
    }
    return queue;
  }

  async submit(ndjson: AsyncIterable<Uint8Array>, onConflict: OnConflict): Promise<Job> {
    const waiting = [...this.#jobs.values()].filter((job) => !isFinished(job)).length;
    if (waiting >= MAX_WAITING) throw tooManyJobs(MAX_WAITING);
    const id = randomUUID();
    await this.files.spool(id, ndjson);
    let total = 0;
    for await (const _ of importLines(this.files.read(id))) total++;
    const record = newJobRecord(id, total, onConflict);
    await this.#save(record);
    this.#enqueue(id);
    return publicJob(record);
  }

  get(id: string): Job | undefined {
    const record = this.#jobs.get(id);
    return record && publicJob(record);
  }

  watch(id: string, onUpdate: (job: Job) => void): () => void {
    this.#updates.on(id, onUpdate);
    return () => this.#updates.off(id, onUpdate);
  }

  /** Stops after the chunk at work; what is left goes on at the next start. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#running;
  }

  #enqueue(id: string): void {
    this.#running = this.#running.then(() => this.#run(id));
  }

  async #run(id: string): Promise<void> {
    let record = this.#jobs.get(id);
    if (!record || this.#closing) return;
    try {
      record = await this.#save({ ...record, state: 'running' });
      for await (const chunk of this.#chunks(record)) {
        const result = await this.handle(chunk, record.onConflict);
        record = await this.#save(withChunk(record, result));
        if (this.#closing) return;
      }
      await this.#save({ ...record, state: 'completed' });
    } catch (error) {
      this.logger.error({ err: error, job: id }, 'import failed');
      const reason = error instanceof Error ? error.message : String(error);
      await this.#save({ ...record, state: 'failed', error: reason }).catch(() => undefined);
    }
    await this.files.dropUpload(id).catch(() => undefined);
    await this.#forgetOldest();
  }

  async *#chunks({ id, done }: JobRecord): AsyncGenerator<ImportLine[]> {
    let seen = 0;
    let chunk: ImportLine[] = [];
    for await (const line of importLines(this.files.read(id))) {
      if (seen++ < done) continue;
      chunk.push(line);
      if (chunk.length === CHUNK_LINES) {
        yield chunk;
        chunk = [];
      }
    }
    if (chunk.length > 0) yield chunk;
  }

  async #save(record: JobRecord): Promise<JobRecord> {
    await this.files.save(record);
    this.#jobs.set(record.id, record);
    this.#updates.emit(record.id, publicJob(record));
    return record;
  }

  async #forgetOldest(): Promise<void> {
    const finished = [...this.#jobs.values()].filter(isFinished);
    for (const { id } of finished.slice(0, Math.max(0, finished.length - MAX_FINISHED))) {
      this.#jobs.delete(id);
      await this.files.drop(id).catch(() => undefined);
    }
  }
}
