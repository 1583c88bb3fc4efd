import type { ServerResponse } from 'node:http';
import { HttpError, type Logger } from '@switchyard/service-kit';
import type { RequestRecord } from './request-record.js';

/** How long a client may go on sending what nobody wants before its connection is closed on it. */
const LINGER_MS = 5000;

/** Where a request went, and why. */
export function ownHeaders(record: RequestRecord): Record<string, string> {
  const { decision, pool, variant, backend } = record;
  const own: Record<string, string> = { 'x-request-id': record.requestId };
  if (decision) {
    const { source, intent, confidence } = decision;
    own['x-switchyard-source'] = source;
    if (intent !== undefined) own['x-switchyard-intent'] = intent;
    if (confidence !== undefined) own['x-switchyard-confidence'] = confidence.toFixed(3);
  }
  if (pool !== undefined) own['x-switchyard-pool'] = pool;
  if (variant !== undefined) own['x-switchyard-variant'] = variant;
  if (backend !== undefined) own['x-switchyard-backend'] = backend;
  if (decision) own['x-switchyard-attempts'] = String(record.attempts);
  return own;
}

export function shownError(error: unknown, logger: Logger): HttpError {
  if (error instanceof HttpError) return error;
  logger.error({ err: error }, 'unexpected error');
  return new HttpError(500, 'internal_error', 'unexpected error; see the log of the router');
}

export function sendError(
  response: ServerResponse,
  error: HttpError,
  own: Readonly<Record<string, string>>,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify(error.body);
  const unread = !response.req.complete;
  response.writeHead(error.status, {
    ...own,
    ...error.headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(unread && { connection: 'close' }),
  });
  if (unread) lingerAfter(response, body);
  else response.end(body);
}

/** Closing a connection on a client that still sends would reset it, and the answer with it. */
function lingerAfter(response: ServerResponse, body: string): void {
  response.write(body);
  const end = () => {
    clearTimeout(limit);
    response.end();
  };
  const limit = setTimeout(end, LINGER_MS);
  response.req.once('close', end).resume();
}
