import { Counter, Histogram, type Registry } from '@switchyard/service-kit';
import type { Embedder, Embedding, EmbedOptions } from './embedder.js';

/** Counts and times what an embedder does. */
export function metered(embedder: Embedder, registry: Registry): Embedder {
  const embedded = new Counter({
    name: 'switchyard_embeddings_total',
    help: 'Texts embedded by the model.',
    registers: [registry],
  });
  const duration = new Histogram({
    name: 'switchyard_embedding_duration_seconds',
    help: 'Time to embed one text, waiting for a worker included.',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1],
    registers: [registry],
  });
  const { dimensions, modelDigest, modelName, parallelism } = embedder;
  return {
    dimensions,
    modelDigest,
    modelName,
    parallelism,
    async embed(text: string, options?: EmbedOptions): Promise<Embedding> {
      const stop = duration.startTimer();
      const embedding = await embedder.embed(text, options);
      stop();
      embedded.inc();
      return embedding;
    },
    close: () => embedder.close(),
  };
}
