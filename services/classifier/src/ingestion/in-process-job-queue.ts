import { randomUUID } from 'node:crypto';
import type { Job, OnConflict } from '@switchyard/contracts';
import type { Logger } from '@switchyard/service-kit';
import { asStorageFailure, tooManyJobs } from '../errors.js';
import { importLines } from './import-lines.js';
import { JobBook } from './job-book.js';
import { JobFiles } from './job-files.js';
import {
  CHUNK_LINES,
  type ChunkHandler,
  type ImportLine,
  type Ingestion,
  type JobQueue,
  MAX_WAITING,
} from './job-queue.js';
import { type JobRecord, newJobRecord, publicJob, withChunk } from './job-record.js';
import { patient } from './patient-handler.js';

/**
 * One job at a time, in this process, from a file: an accepted job survives a restart and goes on
 * where it was. A chunk whose count was not yet saved then runs again, and comes to the same.
 */
export class InProcessJobQueue implements JobQueue {
  readonly #closing = new AbortController();
  readonly #handle: ChunkHandler;
  readonly #settling = new Set<Promise<void>>();
  #running: Promise<void> = Promise.resolve();
  #uploading = 0;

  private constructor(
    private readonly files: JobFiles,
    private readonly book: JobBook,
    private readonly ingestion: Ingestion,
    private readonly logger: Logger,
  ) {
    this.#handle = patient(ingestion.handle, this.#closing.signal, logger);
  }

  static async open(
    directory: string,
    ingestion: Ingestion,
    logger: Logger,
  ): Promise<InProcessJobQueue> {
    const files = await JobFiles.open(directory);
    const book = await JobBook.open(files);
    const queue = new InProcessJobQueue(files, book, ingestion, logger);
    for (const { id } of book.unfinished()) queue.#enqueue(id);
    return queue;
  }

  async submit(ndjson: AsyncIterable<Uint8Array>, onConflict: OnConflict): Promise<Job> {
    const waiting = this.book.unfinished().length + this.#uploading;
    if (waiting >= MAX_WAITING) throw tooManyJobs(MAX_WAITING);
    const id = randomUUID();
    this.#uploading++;
    try {
      await this.files.spool(id, ndjson);
      let total = 0;
      for await (const _ of importLines(this.files.read(id))) total++;
      const record = await this.book.save(newJobRecord(id, total, onConflict));
      this.#enqueue(id);
      return publicJob(record);
    } catch (error) {
      await this.files.drop(id).catch(() => undefined);
      throw asStorageFailure(error);
    } finally {
      this.#uploading--;
    }
  }

  async get(id: string): Promise<Job | undefined> {
    const record = this.book.get(id);
    return record && publicJob(record);
  }

  watch(id: string, onUpdate: (job: Job) => void): () => void {
    return this.book.watch(id, onUpdate);
  }

  /** Stops after the chunk at work; what is left goes on at the next start. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
    await Promise.all(this.#settling);
  }

  #enqueue(id: string): void {
    this.#running = this.#running
      .then(() => this.#run(id))
      .catch((error: unknown) => this.#notRecorded(id, error));
  }

  #notRecorded(id: string, error: unknown): void {
    this.logger.error({ err: error, job: id }, 'import not recorded');
  }

  async #run(id: string): Promise<void> {
    let record = this.book.get(id);
    if (!record || this.#closing.signal.aborted) return;
    try {
      record = await this.book.save({ ...record, state: 'running' });
      for await (const chunk of this.#chunks(record)) {
        const result = await this.#handle(chunk, record.onConflict, `${id}:${record.done}`);
        record = await this.book.save(withChunk(record, result));
        if (this.#closing.signal.aborted) return;
      }
    } catch (error) {
      await this.#fail(record, error);
      return;
    }
    // The next job need not wait until this one's exemplars are learned.
    const settling = this.#settle(record).catch((error: unknown) => this.#notRecorded(id, error));
    this.#settling.add(settling);
    void settling.finally(() => this.#settling.delete(settling));
  }

  async #settle(record: JobRecord): Promise<void> {
    try {
      await this.ingestion.settled(record.version, this.#closing.signal);
    } catch (error) {
      await this.#fail(record, error);
      return;
    }
    await this.book.finish({ ...record, state: 'completed' });
  }

  /** What was stopped is not failed: it goes on at the next start. */
  async #fail(record: JobRecord, error: unknown): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.logger.error({ err: error, job: record.id }, 'import failed');
    const reason = error instanceof Error ? error.message : String(error);
    await this.book.finish({ ...record, state: 'failed', error: reason });
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
}
