import { EmbeddingsRequest, type EmbeddingsResponse } from '@switchyard/contracts';
import { HttpError, invalidRequest, methodNotAllowed, parseRequest } from '@switchyard/service-kit';
import { Router } from 'express';
import type { Embedder } from '../embedding/embedder.js';
import { fewAtATime } from '../embedding/few-at-a-time.js';
import type { Engine } from '../engine.js';
import { clientSignal } from './client-signal.js';

/** OpenAI's embeddings API, so that the classifier can also be a backend of the router. */
export function embeddingsRoutes(engine: () => Engine): Router {
  const router = Router();
  router
    .route('/v1/embeddings')
    .post(async (request, response) => {
      const body = parseRequest(EmbeddingsRequest, request.body);
      const { embedder } = engine();
      checkModel(body, embedder);
      const texts = typeof body.input === 'string' ? [body.input] : body.input;
      const signal = clientSignal(response);
      const embeddings = await fewAtATime(embedder, texts, (text) => {
        return embedder.embed(text, { signal });
      });
      const tokens = embeddings.reduce((sum, { tokens }) => sum + tokens, 0);
      response.json({
        object: 'list',
        model: embedder.modelName,
        data: embeddings.map(({ sentence }, index) => ({
          object: 'embedding',
          index,
          embedding: body.encoding_format === 'base64' ? toBase64(sentence) : Array.from(sentence),
        })),
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      } satisfies EmbeddingsResponse);
    })
    .all(methodNotAllowed('POST'));
  router
    .route('/v1/models')
    .get((_request, response) => {
      const { modelName: id } = engine().embedder;
      response.json({
        object: 'list',
        data: [{ id, object: 'model', created: 0, owned_by: 'switchyard' }],
      });
    })
    .all(methodNotAllowed('GET'));
  return router;
}

function checkModel({ model, dimensions }: EmbeddingsRequest, embedder: Embedder): void {
  if (model !== undefined && model !== embedder.modelName)
    throw new HttpError(
      404,
      'model_not_found',
      `model: this server embeds with "${embedder.modelName}", not with "${model}"`,
      { param: 'model' },
    );
  if (dimensions !== undefined && dimensions !== embedder.dimensions)
    throw invalidRequest(
      `dimensions: ${embedder.modelName} gives ${embedder.dimensions}, not ${dimensions}`,
      'dimensions',
    );
}

const toBase64 = (vector: Float32Array) =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
