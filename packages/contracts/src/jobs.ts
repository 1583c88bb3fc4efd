import { z } from 'zod';

export const JobState = z.enum(['queued', 'running', 'completed', 'failed']);
export type JobState = z.infer<typeof JobState>;

/** At most this many rejected lines are kept with their reasons; `rejected` counts them all. */
export const MAX_REPORTED_FAILURES = 1000;

export const Job = z.object({
  id: z.string(),
  state: JobState,
  total: z.int(),
  done: z.int(),
  added: z.int(),
  duplicates: z.int(),
  rejected: z.int(),
  /** Empty in the events of a job that is not finished; its last event has them. */
  failed: z.array(z.object({ line: z.int(), error: z.string() })),
  /** Why the whole job failed, in state `failed`. */
  error: z.string().optional(),
});
export type Job = z.infer<typeof Job>;
