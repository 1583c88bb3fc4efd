/** A backend that is out is looked at this often, so that it is back soon. */
const OUT_INTERVAL_MS = 1000;

/** Share of the interval by which a probe comes earlier, so that replicas do not fall in step. */
const JITTER = 0.2;

/** Milliseconds before the first probe after the start: anything up to the interval, for the same reason. */
export const firstPauseMs = (intervalMs: number, random: () => number): number =>
  intervalMs * random();

/** Milliseconds from one probe to the next. */
export function pauseMs(intervalMs: number, isOut: boolean, random: () => number): number {
  const interval = isOut ? Math.min(intervalMs, OUT_INTERVAL_MS) : intervalMs;
  return interval * (1 - JITTER * random());
}
