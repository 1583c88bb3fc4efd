import type { IncomingMessage, ServerResponse } from 'node:http';
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
      return invalidJson(error);
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

/** The one place where an error becomes a response; `request.url` is what the log calls it. */
export function respondWithError(
  logger: Logger,
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = request.url?.split('?')[0];
  if (request.readableAborted || response.destroyed) {
    logger.debug({ err: error, path }, 'the client went away');
    response.destroy();
    return;
  }
  const known = error instanceof HttpError ? error : fromExpress(error);
  if (!known) logger.error({ err: error, path }, 'unexpected error');
  else if (known.cause) logger.error({ err: known, path }, known.message);
  const shown = known ?? new HttpError(500, 'internal_error', 'unexpected error; see the log');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  sendJson(response, shown.status, shown.body, shown.headers);
}

/** Answers with JSON, in one write. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

export const errorResponder =
  (logger: Logger): ErrorRequestHandler =>
  (error, request, response, _next) =>
    respondWithError(logger, error, request, response);

export const invalidJson = (error: Error) =>
  new HttpError(400, 'invalid_json', `request body is not valid JSON: ${error.message}`);

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
