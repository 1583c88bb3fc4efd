import { HttpError } from '@switchyard/service-kit';
import { storeFull, storeUnavailable } from '../errors.js';

/** Answers of a server that takes no write, and has done nothing of what was asked. */
const FULL = /^(OOM|MISCONF|NOREPLICAS)\b/;
/** Answers of a server, or of a Cluster, that is on its way back. */
const PASSING = /^(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|BUSY|MOVED|ASK)\b/;

/** What went wrong with Redis, as the answer that it comes to; errors of our own stay as they are. */
export function asRedisFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof HttpError) return error;
  if (FULL.test(error.message)) return storeFull(error);
  if (error.name === 'ReplyError' && !PASSING.test(error.message)) return error;
  return storeUnavailable(error);
}

/** Whether the same may succeed a moment later. */
export const isPassing = (error: unknown) => error instanceof HttpError && error.status === 503;

/** Runs what talks to Redis. Rejects with `store_unavailable` (503) or `insufficient_storage` (507). */
export async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw asRedisFailure(error);
  }
}
