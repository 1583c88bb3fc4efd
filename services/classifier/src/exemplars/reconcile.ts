import { setImmediate } from 'node:timers/promises';
import type { ExemplarKey } from './exemplar.js';
import type { ExemplarIndex } from './exemplar-index.js';
import type { ExemplarStore } from './exemplar-store.js';

/** Keys compared, and vectors read, between two turns of the event loop: about 1 ms. */
const KEYS_AT_ONCE = 500;
const VECTORS_AT_ONCE = 128;
/** More than these, and more than are there, are built aside in a thread: from about 3 s on. */
const BUILT_ASIDE = 5000;

/**
 * Brings an index to what is stored, however old it is, reading the vectors of what it lacks and no
 * others. What changes meanwhile may be in it or not.
 */
export async function reconcile(
  index: ExemplarIndex,
  store: Pick<ExemplarStore, 'keys' | 'vectors'>,
): Promise<{ added: number; changed: number; removed: number }> {
  const stored = new Set<string>();
  const missing: ExemplarKey[] = [];
  let changed = 0;
  for await (const key of store.keys()) {
    stored.add(key.id);
    const known = index.get(key.id);
    if (!known) missing.push(key);
    else if (known.intent !== key.intent || known.version !== key.version) {
      index.assign(key);
      changed++;
    }
    if (stored.size % KEYS_AT_ONCE === 0) await setImmediate();
  }
  const gone = [...index.entries()].filter(({ id }) => !stored.has(id));
  for (const { id } of gone) index.remove(id);

  const fill = async (wait: () => Promise<void>) => {
    for (let start = 0; start < missing.length; start += VECTORS_AT_ONCE) {
      const keys = missing.slice(start, start + VECTORS_AT_ONCE);
      const vectors = await store.vectors(keys.map(({ id }) => id));
      for (const key of keys) {
        const vector = vectors.get(key.id);
        if (vector) index.put(key, vector);
      }
      await wait();
    }
  };
  if (missing.length > BUILT_ASIDE && missing.length > index.size)
    await index.rebuilt(() => fill(setImmediate));
  else await fill(() => index.room());
  return { added: missing.length, changed, removed: gone.length };
}
