import { IntentName, PutIntentRequest } from '@switchyard/contracts';
import { methodNotAllowed, parseRequest } from '@switchyard/service-kit';
import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Engine } from '../engine.js';

const Params = z.object({ name: IntentName });

export function intentRoutes(engine: () => Engine, admin: RequestHandler): Router {
  const router = Router();
  router
    .route('/v1/intents')
    .get((_request, response) => {
      response.json({ intents: engine().exemplars.intents() });
    })
    .all(methodNotAllowed('GET'));
  router
    .route('/v1/intents/:name')
    .put(admin, async (request, response) => {
      const { name } = parseRequest(Params, request.params);
      const patch = parseRequest(PutIntentRequest, request.body ?? {});
      response.json(await engine().exemplars.putIntent(name, patch));
    })
    .delete(admin, async (request, response) => {
      await engine().exemplars.deleteIntent(parseRequest(Params, request.params).name);
      response.status(204).end();
    })
    .all(methodNotAllowed('PUT', 'DELETE'));
  return router;
}
