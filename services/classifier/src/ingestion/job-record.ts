import { Job, MAX_REPORTED_FAILURES, OnConflict } from '@switchyard/contracts';
import { z } from 'zod';
import type { ChunkResult } from './job-queue.js';

/** A job with what is needed to go on with it after a restart. */
export const JobRecord = Job.extend({
  onConflict: OnConflict,
  createdAt: z.number(),
  /** Of the exemplars, with all that is done in them. */
  version: z.number().default(0),
});
export type JobRecord = z.infer<typeof JobRecord>;

export function newJobRecord(id: string, total: number, onConflict: OnConflict): JobRecord {
  return {
    id,
    state: 'queued',
    total,
    done: 0,
    added: 0,
    duplicates: 0,
    rejected: 0,
    failed: [],
    onConflict,
    createdAt: Date.now(),
    version: 0,
  };
}

export function withChunk(job: JobRecord, chunk: ChunkResult): JobRecord {
  return {
    ...job,
    done: job.done + chunk.done,
    added: job.added + chunk.added,
    duplicates: job.duplicates + chunk.duplicates,
    rejected: job.rejected + chunk.failed.length,
    failed: [...job.failed, ...chunk.failed].slice(0, MAX_REPORTED_FAILURES),
    version: Math.max(job.version, chunk.version),
  };
}

export function publicJob({ onConflict, createdAt, version, ...job }: JobRecord): Job {
  return job;
}

export const isFinished = ({ state }: Job) => state === 'completed' || state === 'failed';
