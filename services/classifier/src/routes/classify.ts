import type { ServerResponse } from 'node:http';
import { type Classification, ClassifyRequest } from '@switchyard/contracts';
import { Counter, methodNotAllowed, parseRequest, type Registry } from '@switchyard/service-kit';
import { Router } from 'express';
import { fewAtATime } from '../embedding/few-at-a-time.js';
import type { Engine } from '../engine.js';
import { clientSignal } from './client-signal.js';

/** What the parsed body of a request is answered with; `response` tells when its client leaves. */
export type ClassifyAnswer = (
  body: unknown,
  response: ServerResponse,
) => Promise<Classification | { results: Classification[] }>;

export function classifyAnswer(engine: () => Engine, registry: Registry): ClassifyAnswer {
  const answered = new Counter({
    name: 'switchyard_classifications_total',
    help: 'Prompts classified, by whether an intent was found.',
    labelNames: ['result'],
    registers: [registry],
  });
  return async (body, response) => {
    const { text, texts, ...options } = parseRequest(ClassifyRequest, body);
    const { classifier, embedder } = engine();
    const signal = clientSignal(response);
    const classify = async (one: string) => {
      const answer = await classifier.classify(one, { ...options, signal });
      answered.inc({ result: answer.intent === null ? 'out_of_scope' : 'in_scope' });
      return answer;
    };
    if (texts) return { results: await fewAtATime(embedder, texts, classify) };
    return classify(text ?? '');
  };
}

export function classifyRoutes(answer: ClassifyAnswer): Router {
  const router = Router();
  router
    .route('/v1/classify')
    .post(async (request, response) => {
      response.json(await answer(request.body, response));
    })
    .all(methodNotAllowed('POST'));
  return router;
}
