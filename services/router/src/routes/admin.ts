import { methodNotAllowed, parseRequest } from '@switchyard/service-kit';
import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { AdminOverrides } from '../administration/admin-overrides.js';
import { backendNotFound } from '../errors.js';
import type { FleetInForce } from '../fleet/fleet-in-force.js';

export const BackendPatch = z
  .strictObject({
    state: z
      .enum(['active', 'draining', 'disabled'], {
        error: 'must be one of active, draining, disabled',
      })
      .optional(),
    /** null: as in the file again. */
    weight: z.number({ error: 'must be a number, or null' }).positive().max(1000).nullish(),
  })
  .refine((patch) => Object.keys(patch).length > 0, { error: 'needs "state" or "weight"' });

export interface AdminDependencies {
  current: () => FleetInForce;
  overrides: AdminOverrides;
}

/** What operators change at run time; at all routers where they share a Redis. */
export function adminRoutes(
  { current, overrides }: AdminDependencies,
  admin: RequestHandler,
): Router {
  const path = '/admin/pools/:pool/backends/:backend';
  const find = (pool: string, name: string) => {
    const { pools } = current().registry;
    const backend = pools.get(pool)?.backends.find((one) => one.name === name);
    if (!backend) throw backendNotFound(pool, name);
    return backend;
  };
  return Router()
    .patch(path, admin, async (request, response) => {
      const { pool, backend: name } = request.params as { pool: string; backend: string };
      const { id } = find(pool, name);
      await overrides.change(id, parseRequest(BackendPatch, request.body));
      const { state, weight } = find(pool, name);
      response.json({ pool, backend: name, state, weight, administration: overrides.status.state });
    })
    .all(path, methodNotAllowed('PATCH'));
}
