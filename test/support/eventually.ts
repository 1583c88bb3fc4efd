import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_MS = 10_000;

/**
 * Repeats a check until it no longer throws, and returns its result and how long that took; after
 * `limitMs` its last error is thrown.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  limitMs = LIMIT_MS,
): Promise<{ result: T; tookMs: number }> {
  const started = performance.now();
  for (;;) {
    try {
      const result = await check();
      return { result, tookMs: performance.now() - started };
    } catch (error) {
      if (performance.now() - started > limitMs) throw error;
      await sleep(10);
    }
  }
}
