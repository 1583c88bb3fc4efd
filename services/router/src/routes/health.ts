import { Router } from 'express';
import type { BackendRegistry } from '../backends/backend-registry.js';

export function healthRoutes(registry: () => BackendRegistry, stopping: AbortSignal): Router {
  return Router()
    .get('/health', (_request, response) => {
      response.json({ status: 'ok' });
    })
    .get('/ready', (_request, response) => {
      const reason = stopping.aborted
        ? 'the router is stopping'
        : registry().anyUsable
          ? undefined
          : 'no backend is usable';
      if (reason === undefined) response.json({ ready: true });
      else response.status(503).json({ ready: false, reason });
    });
}
