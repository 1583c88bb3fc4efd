import { ClassifyRequest } from '@switchyard/contracts';
import { Counter, methodNotAllowed, parseRequest, type Registry } from '@switchyard/service-kit';
import { Router } from 'express';
import { fewAtATime } from '../embedding/few-at-a-time.js';
import type { Engine } from '../engine.js';
import { clientSignal } from './client-signal.js';

export function classifyRoutes(engine: () => Engine, registry: Registry): Router {
  const answered = new Counter({
    name: 'switchyard_classifications_total',
    help: 'Prompts classified, by whether an intent was found.',
    labelNames: ['result'],
    registers: [registry],
  });
  const router = Router();
  router
    .route('/v1/classify')
    .post(async (request, response) => {
      const { text, texts, ...options } = parseRequest(ClassifyRequest, request.body);
      const { classifier, embedder } = engine();
      const signal = clientSignal(response);
      const classify = async (one: string) => {
        const answer = await classifier.classify(one, { ...options, signal });
        answered.inc({ result: answer.intent === null ? 'out_of_scope' : 'in_scope' });
        return answer;
      };
      if (texts) response.json({ results: await fewAtATime(embedder, texts, classify) });
      else response.json(await classify(text ?? ''));
    })
    .all(methodNotAllowed('POST'));
  return router;
}
