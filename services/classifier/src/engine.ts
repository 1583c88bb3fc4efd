import type { Logger } from '@switchyard/service-kit';
import { Classifier } from './classification/classifier.js';
import type { Scorer } from './classification/scorer.js';
import type { Embedder } from './embedding/embedder.js';
import { Catalog } from './exemplars/catalog.js';
import { ExemplarRegistry } from './exemplars/exemplar-registry.js';
import type { ExemplarStore } from './exemplars/exemplar-store.js';
import type { IndexSnapshots } from './exemplars/index-snapshots.js';
import { loadStarterExemplars } from './exemplars/starter-exemplars.js';
import { ingestInto } from './ingestion/ingest-chunk.js';
import type { ChunkHandler, JobQueue } from './ingestion/job-queue.js';

/** Everything a request can be served with, once the model and the index are loaded. */
export interface Engine {
  embedder: Embedder;
  catalog: Catalog;
  classifier: Classifier;
  exemplars: ExemplarRegistry;
  jobs: JobQueue;
  close(): Promise<void>;
}

export interface EngineOptions {
  embedder: Embedder;
  store: ExemplarStore;
  scorer: Scorer;
  snapshots: IndexSnapshots;
  /** `settled` resolves when everything stored counts in what is classified. */
  openJobs: (handler: ChunkHandler, settled: () => Promise<void>) => Promise<JobQueue>;
  starterExemplars: boolean;
  maxIntents: number;
  logger: Logger;
}

/** Takes over the embedder and the store: closing the engine closes them. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { embedder, store, scorer } = options;
  const catalog = await Catalog.follow(store, embedder.dimensions, options.snapshots);
  const exemplars = new ExemplarRegistry(store, catalog, embedder);
  if (options.starterExemplars) await loadStarterExemplars({ ...options, catalog, exemplars });
  const jobs = await options.openJobs(ingestInto(exemplars), () => store.caughtUp());
  return {
    embedder,
    catalog,
    classifier: new Classifier(embedder, catalog, scorer, (ids) => store.texts(ids)),
    exemplars,
    jobs,
    async close() {
      await jobs.close();
      await catalog.close();
      await store.close();
      await embedder.close();
    },
  };
}
