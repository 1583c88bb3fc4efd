import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import { ApiError } from './errors.js';
import { chatCompletions } from './routes/chat-completions.js';
import { completions } from './routes/completions.js';
import type { Handler } from './routes/context.js';
import { controlRoutes } from './routes/control.js';
import { echo } from './routes/echo.js';
import { embeddings } from './routes/embeddings.js';
import { health, props, slotList } from './routes/llama-cpp.js';
import { llamaSwapRunning, ollamaPs } from './routes/loaded-models.js';
import { getModel, listModels } from './routes/models.js';
import { serve } from './routes/serve.js';
import type { Simulation } from './simulation.js';

const notFound: Handler = () => {
  throw new ApiError(404, 'not_found', 'The simulated backend has no such endpoint.');
};

/** body-parser's errors carry the status they ask for. */
function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  if (status >= 500) return new ApiError(500, 'internal_error', message);
  return new ApiError(status, 'invalid_json', `The body is not valid JSON: ${message}`);
}

const answerError: ErrorRequestHandler = (error: unknown, _req, res, next) => {
  if (res.headersSent) return next(error);
  const apiError = toApiError(error);
  res.status(apiError.status).json(apiError.toBody());
};

export function createApp(simulation: Simulation): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  const on = (handler: Handler) => (req: Request, res: express.Response) =>
    serve(simulation, handler, req, res);

  app.use((_req, res, next) => {
    res.setHeader('x-simulated-backend', simulation.name);
    next();
  });
  app.post('/v1/chat/completions', on(chatCompletions));
  app.post('/v1/completions', on(completions));
  app.post('/v1/embeddings', on(embeddings));
  app.post('/v1/*path', on(echo));
  app.get('/v1/models', on(listModels));
  // A model id may hold slashes; the wildcard gives its segments.
  app.get('/v1/models/*id', (req, res) => on(getModel(req.params.id.join('/')))(req, res));
  app.get('/health', on(health));
  app.get('/props', on(props(simulation.slots)));
  app.get('/slots', on(slotList(simulation.slots)));
  app.get('/api/ps', on(ollamaPs(simulation.load)));
  app.get('/running', on(llamaSwapRunning(simulation.load)));
  app.use('/_sim', controlRoutes(simulation));
  app.use(on(notFound));
  app.use(answerError);
  return app;
}
