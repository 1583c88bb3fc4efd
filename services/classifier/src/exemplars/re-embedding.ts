import type { Reembedding } from '@switchyard/contracts';
import type { ExemplarStore } from './exemplar-store.js';

/** Exemplars between two looks at whether there is still need. */
const AT_ONCE = 64;

/**
 * Gives every exemplar a vector of the store's model; those that have one are only looked at, so
 * that it goes on where it was cut off. `progress` is kept current. Rejects when `signal` aborts.
 */
export async function reEmbed(
  store: Pick<ExemplarStore, 'keys' | 'vectors'>,
  progress: Reembedding,
  signal: AbortSignal,
): Promise<void> {
  const ids: string[] = [];
  for await (const { id } of store.keys()) ids.push(id);
  progress.done = 0;
  progress.total = ids.length;
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    signal.throwIfAborted();
    await store.vectors(ids.slice(start, start + AT_ONCE));
    progress.done = Math.min(start + AT_ONCE, ids.length);
  }
}
