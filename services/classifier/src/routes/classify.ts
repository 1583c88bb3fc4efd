import { ClassifyRequest } from '@switchyard/contracts';
import { Counter, parseRequest, type Registry } from '@switchyard/service-kit';
import { Router } from 'express';
import type { Engine } from '../engine.js';

export function classifyRoutes(engine: () => Engine, registry: Registry): Router {
  const answered = new Counter({
    name: 'switchyard_classifications_total',
    help: 'Prompts classified, by whether an intent was found.',
    labelNames: ['result'],
    registers: [registry],
  });
  return Router().post('/v1/classify', async (request, response) => {
    const { text, texts, ...options } = parseRequest(ClassifyRequest, request.body);
    const { classifier } = engine();
    const classify = async (one: string) => {
      const answer = await classifier.classify(one, options);
      answered.inc({ result: answer.intent === null ? 'out_of_scope' : 'in_scope' });
      return answer;
    };
    if (texts) response.json({ results: await Promise.all(texts.map(classify)) });
    else response.json(await classify(text ?? ''));
  });
}
