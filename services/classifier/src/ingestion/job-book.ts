import { EventEmitter } from 'node:events';
import type { Job } from '@switchyard/contracts';
import type { JobFiles } from './job-files.js';
import { isFinished, type JobRecord, publicJob } from './job-record.js';

/** Finished jobs that can still be asked for. */
const MAX_FINISHED = 1000;

/** Every job this process knows, on disk first and then for whoever asks or watches. */
export class JobBook {
  readonly #records = new Map<string, JobRecord>();
  readonly #updates = new EventEmitter().setMaxListeners(0);

  private constructor(private readonly files: JobFiles) {}

  static async open(files: JobFiles): Promise<JobBook> {
    const book = new JobBook(files);
    for (const record of await files.load()) book.#records.set(record.id, record);
    return book;
  }

  /** Oldest first. */
  unfinished(): JobRecord[] {
    return [...this.#records.values()].filter((record) => !isFinished(record));
  }

  get(id: string): JobRecord | undefined {
    return this.#records.get(id);
  }

  watch(id: string, onUpdate: (job: Job) => void): () => void {
    const record = this.#records.get(id);
    if (record) onUpdate(publicJob(record));
    this.#updates.on(id, onUpdate);
    return () => this.#updates.off(id, onUpdate);
  }

  async save(record: JobRecord): Promise<JobRecord> {
    await this.files.save(record);
    this.#publish(record);
    return record;
  }

  /**
   * Ends a job and lets its upload go. Where the disk does not take even that, the job has failed
   * only here, and goes on at the next start.
   */
  async finish(record: JobRecord): Promise<void> {
    try {
      await this.files.save(record);
      await this.files.dropUpload(record.id);
    } finally {
      this.#publish(record);
    }
    const finished = [...this.#records.values()].filter(isFinished);
    for (const { id } of finished.slice(0, Math.max(0, finished.length - MAX_FINISHED))) {
      this.#records.delete(id);
      await this.files.drop(id);
    }
  }

  #publish(record: JobRecord): void {
    this.#records.set(record.id, record);
    this.#updates.emit(record.id, publicJob(record));
  }
}
