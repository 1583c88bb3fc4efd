import type { Job } from '@switchyard/contracts';
import { EventStream, methodNotAllowed } from '@switchyard/service-kit';
import { Router } from 'express';
import type { Engine } from '../engine.js';
import { jobNotFound } from '../errors.js';

export function jobRoutes(engine: () => Engine, closing: AbortSignal): Router {
  const find = (id: string): Job => {
    const job = engine().jobs.get(id);
    if (!job) throw jobNotFound(id);
    return job;
  };
  const router = Router();
  router
    .route('/v1/jobs/:id')
    .get((request, response) => {
      response.json(find(request.params.id));
    })
    .all(methodNotAllowed('GET'));
  router
    .route('/v1/jobs/:id/events')
    .get((request, response) => {
      const { id } = request.params;
      const send = (job: Job) => {
        stream.send(job);
        if (job.state === 'completed' || job.state === 'failed') stream.end();
      };
      const now = find(id);
      const stop = engine().jobs.watch(id, send);
      const stream = new EventStream(request, response, closing, stop);
      send(now);
    })
    .all(methodNotAllowed('GET'));
  return router;
}
