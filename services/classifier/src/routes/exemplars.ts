import { AddExemplarsRequest, IntentName, MAX_EXEMPLARS_INLINE } from '@switchyard/contracts';
import { invalidRequest, methodNotAllowed, parseRequest } from '@switchyard/service-kit';
import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Engine } from '../engine.js';

const Params = z.object({ name: IntentName });

const PAGE_SIZE = 'must be a whole number from 1 to 1000';

export const PageQuery = z.strictObject({
  limit: z.coerce
    .number({ error: PAGE_SIZE })
    .int({ error: PAGE_SIZE })
    .min(1, PAGE_SIZE)
    .max(1000, PAGE_SIZE)
    .default(100),
  cursor: z.string({ error: 'must be given once' }).optional(),
});

export function exemplarRoutes(engine: () => Engine, admin: RequestHandler): Router {
  const router = Router();
  router
    .route('/v1/intents/:name/exemplars')
    .get(async (request, response) => {
      const { name } = parseRequest(Params, request.params);
      const { limit, cursor } = parseRequest(PageQuery, request.query);
      try {
        response.json(await engine().exemplars.page(name, limit, cursor));
      } catch (error) {
        if (error instanceof RangeError) throw invalidRequest(`cursor: ${error.message}`, 'cursor');
        throw error;
      }
    })
    .post(admin, async (request, response) => {
      const { name } = parseRequest(Params, request.params);
      const { texts, onConflict = 'reject' } = parseRequest(AddExemplarsRequest, request.body);
      if (texts.length <= MAX_EXEMPLARS_INLINE) {
        response.status(201).json(await engine().exemplars.addTo(name, texts, onConflict));
        return;
      }
      const { id } = await engine().jobs.submit(asNdjson(name, texts), onConflict);
      response.status(202).location(`/v1/jobs/${id}`).json({ job: { id } });
    })
    .all(methodNotAllowed('GET', 'POST'));
  router
    .route('/v1/intents/:name/exemplars/:id')
    .delete(admin, async (request, response) => {
      const { name } = parseRequest(Params, request.params);
      await engine().exemplars.remove(name, request.params.id);
      response.status(204).end();
    })
    .all(methodNotAllowed('DELETE'));
  return router;
}

async function* asNdjson(intent: string, texts: readonly string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield Buffer.from(`${JSON.stringify({ intent, text })}\n`);
}
