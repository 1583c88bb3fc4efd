import type { Job } from '@switchyard/contracts';
import { EventStream, methodNotAllowed } from '@switchyard/service-kit';
import { Router } from 'express';
import type { Engine } from '../engine.js';
import { jobNotFound } from '../errors.js';

export function jobRoutes(engine: () => Engine, closing: AbortSignal): Router {
  const find = async (id: string): Promise<Job> => {
    const job = await engine().jobs.get(id);
    if (!job) throw jobNotFound(id);
    return job;
  };
  const router = Router();
  router
    .route('/v1/jobs/:id')
    .get(async (request, response) => {
      response.json(await find(request.params.id));
    })
    .all(methodNotAllowed('GET'));
  router
    .route('/v1/jobs/:id/events')
    .get(async (request, response) => {
      const { jobs } = engine();
      const { id } = await find(request.params.id);
      // Its `close` is over: a stream on it would never hear of its end.
      if (response.destroyed) return;
      const stream = new EventStream(request, response, closing, () => stop());
      const stop = jobs.watch(id, (job) => {
        if (job.state === 'completed' || job.state === 'failed') {
          stream.send(job);
          stream.end();
        }
        // The next state replaces this one: a reader that is behind can do without it.
        else if (!response.writableNeedDrain) stream.send({ ...job, failed: [] } satisfies Job);
      });
    })
    .all(methodNotAllowed('GET'));
  return router;
}
