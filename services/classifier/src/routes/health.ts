import { methodNotAllowed } from '@switchyard/service-kit';
import { Router } from 'express';
import type { Engine } from '../engine.js';

export function healthRoutes(engine: () => Engine | undefined, whyNotReady: () => string): Router {
  const router = Router();
  router
    .route('/health')
    .get((_request, response) => {
      response.json({ status: 'ok' });
    })
    .all(methodNotAllowed('GET'));
  router
    .route('/ready')
    .get((_request, response) => {
      const ready = engine();
      if (ready)
        response.json({
          ready: true,
          indexVersion: ready.catalog.version,
          exemplars: ready.catalog.size,
          model: ready.embedder.modelName,
        });
      else response.status(503).json({ ready: false, reason: whyNotReady() });
    })
    .all(methodNotAllowed('GET'));
  return router;
}
