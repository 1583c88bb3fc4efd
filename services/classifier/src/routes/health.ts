import { Router } from 'express';
import type { Engine } from '../engine.js';

export function healthRoutes(engine: () => Engine | undefined): Router {
  return Router()
    .get('/health', (_request, response) => {
      response.json({ status: 'ok' });
    })
    .get('/ready', (_request, response) => {
      const ready = engine();
      if (ready)
        response.json({
          ready: true,
          indexVersion: ready.catalog.version,
          exemplars: ready.catalog.size,
          model: ready.embedder.modelName,
        });
      else response.status(503).json({ ready: false, reason: 'the model or the index is loading' });
    });
}
