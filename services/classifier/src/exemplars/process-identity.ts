import { readFileSync } from 'node:fs';
import { z } from 'zod';

/**
 * Names a process for as long as the machine runs: a process id is given out again, but not with
 * the same start time. `startTime` is in clock ticks since boot, and null where there is no /proc.
 */
export const ProcessIdentity = z.object({ pid: z.int(), startTime: z.string().nullable() });
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

export const thisProcess = (): ProcessIdentity => ({
  pid: process.pid,
  startTime: statOf(process.pid)?.startTime ?? null,
});

/** A process that ended but was not yet collected by its parent (a zombie) no longer runs. */
export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  if (startTime !== null) {
    const stat = statOf(pid);
    return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z';
  }
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** proc(5): fields 3 and 22; the name before them, in parentheses, may itself contain some. */
function statOf(pid: number): { state: string; startTime: string } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state, startTime] = [fields[0], fields[19]];
    return state !== undefined && startTime !== undefined ? { state, startTime } : undefined;
  } catch {
    return undefined;
  }
}
