import { Router } from 'express';
import type { BackendRegistry } from '../backends/backend-registry.js';
import { modelNotFound } from '../errors.js';

/** OpenAI's model list: what may stand in `model`. */
export function modelRoutes(registry: () => BackendRegistry): Router {
  const ids = () => [
    'auto',
    ...[...registry().pools.keys()].map((name) => `pool:${name}`),
    ...registry().models(),
  ];
  const entry = (id: string) => ({ id, object: 'model', created: 0, owned_by: 'switchyard' });
  return Router()
    .get('/v1/models', (_request, response) => {
      response.json({ object: 'list', data: ids().map(entry) });
    })
    .get('/v1/models/*id', (request, response) => {
      const id = [request.params.id].flat().join('/');
      if (!ids().includes(id)) throw modelNotFound(id, ids());
      response.json(entry(id));
    });
}
