import type { ClassifierStatus, Reembedding } from '@switchyard/contracts';
import { methodNotAllowed } from '@switchyard/service-kit';
import { Router } from 'express';
import type { Engine } from '../engine.js';

export interface StatusSources {
  engine: () => Engine | undefined;
  whyNotReady: () => string;
  reembedding: () => Reembedding | undefined;
}

/** What this replica serves with, and what it is busy with. */
export function statusRoutes({ engine, whyNotReady, reembedding }: StatusSources): Router {
  const router = Router();
  router
    .route('/status')
    .get((_request, response) => {
      const ready = engine();
      response.json({
        ready: ready !== undefined,
        reason: ready ? null : whyNotReady(),
        model: ready?.embedder.modelName ?? null,
        indexVersion: ready?.catalog.version ?? null,
        exemplars: ready?.catalog.size ?? null,
        training: ready
          ? {
              current: ready.catalog.isTrained,
              busy: ready.trainer.isBusy,
              lastMs: Math.round(ready.trainer.lastMs),
            }
          : null,
        reembedding: reembedding() ?? null,
      } satisfies ClassifierStatus);
    })
    .all(methodNotAllowed('GET'));
  return router;
}
