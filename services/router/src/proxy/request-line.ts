import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { HttpError, invalidRequest } from '@switchyard/service-kit';
import { hasAdapter } from './endpoints/endpoints.js';

/** A caller's own id is kept when it is harmless to log. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID();
}

/** Most paths: nothing in them that could be written in another way. */
const PLAIN = /^\/v1(?:\/[\w-]+)+$/;

/** Path and query for the backend; dot segments would leave /v1 there. */
export function checkedPath(request: IncomingMessage): string {
  const url = request.url ?? '';
  if (hasAdapter(url.split('?', 1)[0] ?? '') && request.method !== 'POST')
    throw new HttpError(
      405,
      'method_not_allowed',
      `this endpoint takes POST, not ${request.method}`,
      {
        headers: { allow: 'POST' },
      },
    );
  if (PLAIN.test(url)) return url;
  const parsed = new URL(url, 'http://router');
  const path = parsed.pathname + parsed.search;
  if (path !== url || !path.startsWith('/v1/') || hasDotSegment(parsed.pathname))
    throw invalidRequest('path: is not in normal form');
  return path;
}

/** A backend may decode a path before it splits it: then %2f and %5c separate segments too. */
function hasDotSegment(pathname: string): boolean {
  const decoded = pathname.replace(/%(2e|2f|5c)/gi, (code) => decodeURIComponent(code));
  return decoded.split(/[/\\]/).some((segment) => segment === '.' || segment === '..');
}
