import { EvaluateRequest, type QualityAnswer } from '@switchyard/contracts';
import { methodNotAllowed, parseRequest } from '@switchyard/service-kit';
import { Router } from 'express';
import type { Engine } from '../engine.js';
import { notYetTrained } from '../errors.js';
import { evaluate } from '../quality/evaluation.js';
import { share } from '../quality/judge.js';
import { clientSignal } from './client-signal.js';

/** A report that is being made is waited for, so that a script sees what its additions did. */
const PATIENCE_MS = 20_000;

/** How well the exemplars tell the intents apart, by themselves and on prompts of the caller. */
export function qualityRoutes(engine: () => Engine, closing: AbortSignal): Router {
  const router = Router();
  router
    .route('/v1/quality')
    .get(async (_request, response) => {
      const { trainer, catalog } = engine();
      const patience = AbortSignal.timeout(PATIENCE_MS);
      const enough = AbortSignal.any([patience, clientSignal(response), closing]);
      await trainer.settled(catalog.version, enough).catch(() => undefined);
      const { head } = catalog.scoring;
      if (!head || catalog.size === 0) throw notYetTrained(catalog.size);
      const { scopeScores, ...report } = head.report;
      const limitOf = (intent: string) => catalog.threshold(intent) ?? catalog.settings.alpha;
      const rejected = scopeScores.filter(({ intent, score }) => score < limitOf(intent)).length;
      response.json({
        ...report,
        current: catalog.isTrained,
        indexVersion: catalog.version,
        expectedRejections: share(rejected, scopeScores.length),
      } satisfies QualityAnswer);
    })
    .all(methodNotAllowed('GET'));
  router
    .route('/v1/evaluate')
    .post(async (request, response) => {
      const { examples } = parseRequest(EvaluateRequest, request.body);
      const { classifier, catalog, embedder } = engine();
      const signal = clientSignal(response);
      const known = new Set(catalog.intents().map(({ name }) => name));
      response.json(await evaluate(examples, { classifier, embedder, known, signal }));
    })
    .all(methodNotAllowed('POST'));
  return router;
}
