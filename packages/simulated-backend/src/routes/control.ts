import express, { Router } from 'express';
import type { Simulation } from '../simulation.js';

/** Settings, counters and received requests at run time; never subject to a fault or a slot. */
export function controlRoutes(simulation: Simulation): Router {
  const router = Router();
  const state = () => ({ settings: simulation.settings(), stats: simulation.stats() });

  router.get('/', (_req, res) => {
    res.json(state());
  });
  // Any content type, so that `curl -d` needs no header.
  router.patch('/', express.json({ type: () => true }), async (req, res) => {
    await simulation.set(req.body ?? {});
    // A kept-alive connection would outlive the closed listener, and reach what is to look down.
    if (simulation.refusing) res.set('connection', 'close');
    res.json(state());
  });
  router.get('/requests', (_req, res) => {
    res.json({ requests: simulation.requests() });
  });
  router.delete('/requests', (_req, res) => {
    simulation.clear();
    res.status(204).end();
  });
  return router;
}
