import type { Embedder } from './embedder.js';

/**
 * Maps items in order, one more of them at a time than there are workers: that keeps the workers
 * busy, and a prompt of someone else waits behind no more than these. After a failure no further
 * item starts.
 */
export async function fewAtATime<T, R>(
  { parallelism }: Embedder,
  items: readonly T[],
  action: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const rest = items.entries();
  let failed = false;
  const workOff = async () => {
    for (const [position, item] of rest) {
      if (failed) return;
      try {
        results[position] = await action(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: parallelism + 1 }, workOff));
  return results;
}
