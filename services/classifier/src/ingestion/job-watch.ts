import { isDeepStrictEqual } from 'node:util';
import type { Job } from '@switchyard/contracts';
import { isFinished } from './job-record.js';

const INTERVAL_MS = 200;

/**
 * Looks at a job until it has ended and calls back with what is new; returns the function that
 * stops it. While it cannot be read nothing is new.
 */
export function watchJob(
  read: () => Promise<Job | undefined>,
  onUpdate: (job: Job) => void,
): () => void {
  let last: Job | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
  };
  const look = async () => {
    const job = await read().catch(() => undefined);
    if (isStopped) return;
    if (job && !isDeepStrictEqual(job, last)) {
      last = job;
      onUpdate(job);
    }
    if (job && isFinished(job)) stop();
    else if (!isStopped) timer = setTimeout(() => void look(), INTERVAL_MS);
  };
  void look();
  return stop;
}
