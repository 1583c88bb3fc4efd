import type { ChangeEvent } from '@switchyard/contracts';
import { EventStream, methodNotAllowed } from '@switchyard/service-kit';
import { Router } from 'express';
import type { Engine } from '../engine.js';

/** Tells the routers, and whoever else caches answers, which version of the index is current. */
export function changesRoutes(engine: () => Engine, closing: AbortSignal): Router {
  const router = Router();
  router
    .route('/v1/changes')
    .get((request, response) => {
      const { catalog } = engine();
      const send = (indexVersion: number) => stream.send({ indexVersion } satisfies ChangeEvent);
      const stopVersions = catalog.onVersion(send);
      // Whoever reads it then comes again, and trusts nothing of before.
      const stopResets = catalog.onReset(() => stream.end());
      const stream = new EventStream(request, response, closing, () => {
        stopVersions();
        stopResets();
      });
      send(catalog.version);
    })
    .all(methodNotAllowed('GET'));
  return router;
}
