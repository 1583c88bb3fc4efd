import type { Logger } from '@switchyard/service-kit';
import { Classifier } from './classification/classifier.js';
import { Trainer } from './classification/training/trainer.js';
import { TrainingChild } from './classification/training/training-child.js';
import type { Embedder } from './embedding/embedder.js';
import { Catalog } from './exemplars/catalog.js';
import { ExemplarRegistry } from './exemplars/exemplar-registry.js';
import type { ExemplarStore } from './exemplars/exemplar-store.js';
import type { IndexSnapshots } from './exemplars/index-snapshots.js';
import { loadStarterExemplars } from './exemplars/starter-exemplars.js';
import { ingestInto } from './ingestion/ingest-chunk.js';
import type { Ingestion, JobQueue } from './ingestion/job-queue.js';

/** Everything a request can be served with, once the model and the index are loaded. */
export interface Engine {
  embedder: Embedder;
  catalog: Catalog;
  classifier: Classifier;
  exemplars: ExemplarRegistry;
  trainer: Trainer;
  /** What becomes of imported lines here. */
  ingestion: Ingestion;
  jobs: JobQueue;
  /** Leaves the store and the embedder to whoever gave them. */
  stop(): Promise<void>;
  /** Everything but the jobs. */
  close(): Promise<void>;
}

export interface EngineOptions {
  embedder: Embedder;
  store: ExemplarStore;
  snapshots: Pick<IndexSnapshots, 'loadOrCreate' | 'keep'>;
  jobsFor: (ingestion: Ingestion) => Promise<JobQueue>;
  starterExemplars: boolean;
  maxIntents: number;
  logger: Logger;
}

/** Takes over the embedder and the store: closing the engine closes them. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { embedder, store, logger } = options;
  const { dimensions, modelDigest } = embedder;
  const catalog = await Catalog.follow(store, { dimensions, modelDigest }, options.snapshots);
  const exemplars = new ExemplarRegistry(store, catalog, embedder);
  if (options.starterExemplars) await loadStarterExemplars({ ...options, catalog, exemplars });
  const trainer = new Trainer({ catalog, store, embedder, child: new TrainingChild(), logger });
  const ingestion: Ingestion = {
    handle: ingestInto(exemplars),
    async settled(version, signal) {
      // Another replica may have added what this one is to have learned.
      await store.caughtUp(signal);
      await trainer.settled(version, signal);
    },
  };
  const jobs = await options.jobsFor(ingestion);
  const stop = async () => {
    await trainer.close();
    await catalog.close();
  };
  return {
    embedder,
    catalog,
    classifier: new Classifier(embedder, catalog, (ids) => store.texts(ids)),
    exemplars,
    trainer,
    ingestion,
    jobs,
    stop,
    async close() {
      await stop();
      await store.close();
      await embedder.close();
    },
  };
}
