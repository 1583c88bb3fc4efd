import { createHash } from 'node:crypto';
import { Counter, type Registry } from '@switchyard/service-kit';
import { LRUCache } from 'lru-cache';
import type { Embedder, Embedding, EmbedOptions } from './embedder.js';

/** Longer texts are known by their digest, so that an entry takes 4 KB whatever its text. */
const KEY_CHARACTERS = 64;

/**
 * Remembers the vectors of the last `entries` live texts; 0 remembers none. A text has the same
 * vector whatever else is running, so it makes no difference where it comes from.
 */
export function cached(embedder: Embedder, entries: number, registry: Registry): Embedder {
  if (entries === 0) return embedder;
  const hits = new Counter({
    name: 'switchyard_embedding_cache_hits_total',
    help: 'Texts whose embedding was still known.',
    registers: [registry],
  });
  const known = new LRUCache<string, Embedding>({ max: entries });
  const { dimensions, modelDigest, modelName, parallelism } = embedder;
  return {
    dimensions,
    modelDigest,
    modelName,
    parallelism,
    async embed(text: string, options: EmbedOptions = {}): Promise<Embedding> {
      options.signal?.throwIfAborted();
      const key = keyOf(text);
      const found = known.get(key);
      if (found) {
        hits.inc();
        return found;
      }
      const embedding = await embedder.embed(text, options);
      // An import would only push out what people ask for.
      if (options.priority !== 'bulk') known.set(key, embedding);
      return embedding;
    },
    close: () => embedder.close(),
  };
}

/** A digest is longer than any text that stands for itself, so that none is taken for the other. */
function keyOf(text: string): string {
  if (text.length <= KEY_CHARACTERS) return text;
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
