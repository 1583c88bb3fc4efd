import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';

/**
 * Makes this thread give way to every other one that wants its core, whatever process it is of.
 * Linux alone has priorities of threads (setpriority(2), "C library/kernel differences"); elsewhere
 * it would be that of the process, and nothing is done.
 */
export function lowerThreadPriority(): void {
  if (process.platform !== 'linux') return;
  const thread = Number(basename(readlinkSync('/proc/thread-self')));
  setPriority(thread, constants.priority.PRIORITY_BELOW_NORMAL);
}
