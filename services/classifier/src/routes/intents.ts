import { IntentName, PutIntentRequest } from '@switchyard/contracts';
import { parseRequest } from '@switchyard/service-kit';
import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Engine } from '../engine.js';

const Params = z.object({ name: IntentName });

export function intentRoutes(engine: () => Engine, admin: RequestHandler): Router {
  return Router()
    .get('/v1/intents', (_request, response) => {
      response.json({ intents: engine().exemplars.intents() });
    })
    .put('/v1/intents/:name', admin, async (request, response) => {
      const { name } = parseRequest(Params, request.params);
      const patch = parseRequest(PutIntentRequest, request.body ?? {});
      response.json(await engine().exemplars.putIntent(name, patch));
    })
    .delete('/v1/intents/:name', admin, async (request, response) => {
      await engine().exemplars.deleteIntent(parseRequest(Params, request.params).name);
      response.status(204).end();
    });
}
