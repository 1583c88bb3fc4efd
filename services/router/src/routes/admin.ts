import { methodNotAllowed, parseRequest } from '@switchyard/service-kit';
import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { BackendRegistry } from '../backends/backend-registry.js';
import { backendNotFound } from '../errors.js';

export const BackendPatch = z
  .strictObject({
    state: z
      .enum(['active', 'draining', 'disabled'], {
        error: 'must be one of active, draining, disabled',
      })
      .optional(),
    weight: z.number({ error: 'must be a number' }).positive().max(1000).optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, { error: 'needs "state" or "weight"' });

/** What operators change at run time, on this router and until it stops. */
export function adminRoutes(registry: BackendRegistry, admin: RequestHandler): Router {
  const path = '/admin/pools/:pool/backends/:backend';
  return Router()
    .patch(path, admin, (request, response) => {
      const { pool, backend: name } = request.params as { pool: string; backend: string };
      const backend = registry.pools.get(pool)?.backends.find((one) => one.name === name);
      if (!backend) throw backendNotFound(pool, name);
      const patch = parseRequest(BackendPatch, request.body);
      backend.state = patch.state ?? backend.state;
      backend.weight = patch.weight ?? backend.weight;
      response.json({ pool, backend: name, state: backend.state, weight: backend.weight });
    })
    .all(path, methodNotAllowed('PATCH'));
}
