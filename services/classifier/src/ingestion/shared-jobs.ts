import type { Ingestion, JobQueue } from './job-queue.js';

/** The one queue of a process, whose jobs are done by whichever engine serves. */
export class SharedJobs {
  #ingestion: Ingestion | undefined;
  #queue: Promise<JobQueue> | undefined;

  constructor(private readonly open: (ingestion: Ingestion) => Promise<JobQueue>) {}

  /** The first caller is the first to do the jobs. */
  async queueFor(ingestion: Ingestion): Promise<JobQueue> {
    this.#ingestion ??= ingestion;
    this.#queue ??= this.open({
      handle: (...chunk) => this.#current.handle(...chunk),
      settled: (...asked) => this.#current.settled(...asked),
    });
    return this.#queue;
  }

  /** From now on these are who does the jobs; what was begun before is finished before. */
  handOver(ingestion: Ingestion): void {
    this.#ingestion = ingestion;
  }

  async close(): Promise<void> {
    await (await this.#queue)?.close();
  }

  get #current(): Ingestion {
    if (!this.#ingestion) throw new Error('nobody does the jobs');
    return this.#ingestion;
  }
}
