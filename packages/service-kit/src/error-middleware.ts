import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';
import { HttpError, invalidRequest } from './http-error.js';

/** Errors raised by express.json and by Express itself, which carry a `type` and a `status`. */
function fromExpress(error: unknown): HttpError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { type, status, limit } = error as Error & {
    type?: string;
    status?: number;
    limit?: number;
  };
  switch (type) {
    case 'entity.parse.failed':
      return new HttpError(400, 'invalid_json', `request body is not valid JSON: ${error.message}`);
    case 'entity.too.large':
      return new HttpError(413, 'request_too_large', `request body is larger than ${limit} bytes`);
    case 'request.aborted':
      return new HttpError(400, 'invalid_request', 'the client went away');
    default:
      return status && status >= 400 && status < 500
        ? new HttpError(status, 'invalid_request', error.message)
        : undefined;
  }
}

/** The one place where an error becomes a response. */
export function errorResponder(logger: Logger): ErrorRequestHandler {
  return (error, request, response, _next) => {
    if (request.readableAborted || response.destroyed) {
      logger.debug({ err: error, path: request.path }, 'the client went away');
      response.destroy();
      return;
    }
    const known = error instanceof HttpError ? error : fromExpress(error);
    if (!known) logger.error({ err: error, path: request.path }, 'unexpected error');
    else if (known.cause) logger.error({ err: known, path: request.path }, known.message);
    const shown = known ?? new HttpError(500, 'internal_error', 'unexpected error; see the log');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    response.status(shown.status).set(shown.headers).json(shown.body);
  };
}

export const unknownEndpoint: RequestHandler = (request, _response, next) => {
  next(
    new HttpError(
      404,
      'not_found',
      `there is no ${request.method} ${request.path}; see the README`,
    ),
  );
};

/** For a known path with another method. */
export const methodNotAllowed =
  (...methods: string[]): RequestHandler =>
  (request, _response, next) => {
    const allow = methods.join(', ');
    const message = `${request.path} takes ${allow}, not ${request.method}`;
    next(new HttpError(405, 'method_not_allowed', message, { headers: { allow } }));
  };

/** express.json gives no body at all for an empty request or another content type. */
export const requireJsonBody: RequestHandler = (request, _response, next) => {
  if (request.body !== undefined) next();
  else next(invalidRequest('request body: must be a JSON object'));
};
