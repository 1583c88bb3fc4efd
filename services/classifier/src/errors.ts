import { HttpError } from '@switchyard/service-kit';

const retrySoon = { headers: { 'retry-after': '1' } };

export const notReady = (why: string) => new HttpError(503, 'not_ready', why, retrySoon);

export const notYetTrained = (exemplars: number) =>
  exemplars === 0
    ? new HttpError(404, 'no_exemplars', 'there are no exemplars to report on; add some first')
    : new HttpError(503, 'not_ready', 'the first report is still being made', retrySoon);

export const overloaded = () =>
  new HttpError(503, 'overloaded', 'too many texts are waiting to be embedded', retrySoon);

export const intentNotFound = (name: string) =>
  new HttpError(404, 'intent_not_found', `there is no intent "${name}"`, { param: 'name' });

export const exemplarNotFound = (intent: string, id: string) =>
  new HttpError(404, 'exemplar_not_found', `intent "${intent}" has no exemplar "${id}"`, {
    param: 'id',
  });

export const jobNotFound = (id: string) =>
  new HttpError(404, 'job_not_found', `there is no job "${id}"`, { param: 'id' });

export const tooManyIntents = (limit: number) =>
  new HttpError(
    400,
    'too_many_intents',
    `there are already ${limit} intents, which is the limit; delete some or raise MAX_INTENTS`,
    { param: 'intent' },
  );

export const tooManyJobs = (limit: number) =>
  new HttpError(429, 'too_many_jobs', `${limit} jobs are waiting already; try again later`, {
    headers: { 'retry-after': '10' },
  });

export const importsFull = (limit: number) =>
  new HttpError(
    429,
    'too_many_jobs',
    `waiting imports hold ${limit} bytes in Redis, which is the limit; try again when some are done`,
    { headers: { 'retry-after': '60' } },
  );

/** The disk is full or broken; what was asked for did not happen. */
export function storageFailed(cause: unknown): HttpError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `nothing was changed: DATA_DIR could not be written (${reason}); is the disk full?`;
  return new HttpError(507, 'insufficient_storage', message, { cause });
}

const STORAGE_FAULTS = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO', 'EROFS'];

/** An error of the file system as `storageFailed`, any other as it is. */
export function asStorageFailure(error: unknown): unknown {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return code && STORAGE_FAULTS.includes(code) ? storageFailed(error) : error;
}

const untilBack = { headers: { 'retry-after': '2' } };

export const storeUnavailable = (cause: unknown) =>
  new HttpError(
    503,
    'store_unavailable',
    'Redis does not answer; classification goes on, changes wait until it is back',
    { ...untilBack, cause },
  );

export const notAppliedYet = () =>
  new HttpError(
    503,
    'not_applied_yet',
    'the change is stored, and this replica has not caught up with it yet',
    untilBack,
  );

export function storeFull(cause: Error): HttpError {
  const message = `nothing was changed: Redis takes no writes (${cause.message})`;
  return new HttpError(507, 'insufficient_storage', message, { cause });
}
