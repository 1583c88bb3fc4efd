import { PutSettingsRequest } from '@switchyard/contracts';
import { methodNotAllowed, parseRequest } from '@switchyard/service-kit';
import { type RequestHandler, Router } from 'express';
import type { Engine } from '../engine.js';

/** Settings of the whole classifier. */
export function settingsRoutes(engine: () => Engine, admin: RequestHandler): Router {
  return Router()
    .get('/v1/settings', (_request, response) => {
      response.json(engine().catalog.settings);
    })
    .put('/v1/settings', admin, async (request, response) => {
      const { alpha } = parseRequest(PutSettingsRequest, request.body ?? {});
      response.json(await engine().exemplars.putSettings(alpha === undefined ? {} : { alpha }));
    })
    .all('/v1/settings', methodNotAllowed('GET', 'PUT'));
}
