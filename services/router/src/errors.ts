import { HttpError } from '@switchyard/service-kit';

export const modelNotFound = (model: string, known: readonly string[]) =>
  new HttpError(
    404,
    'model_not_found',
    `model: there is no "${model.slice(0, 200)}"; use "auto", "pool:NAME" or one of ${known.slice(0, 20).join(', ')}`,
    { param: 'model' },
  );

export const requestTooLarge = (limit: number) =>
  new HttpError(413, 'request_too_large', `request body is larger than ${limit} bytes`);

export const tooManyBodies = () =>
  new HttpError(
    503,
    'overloaded',
    'the bodies of other requests take all the memory there is for them',
    { headers: { 'retry-after': '1' } },
  );

const retryAfter = (seconds: number) => ({ headers: { 'retry-after': String(seconds) } });

export const noBackendAvailable = (pool: string, why: string, retryAfterSeconds = 1) =>
  new HttpError(
    503,
    'no_backend_available',
    `pool "${pool}": ${why}`,
    retryAfter(retryAfterSeconds),
  );

export const queueFull = (pool: string, size: number, retryAfterSeconds: number) =>
  new HttpError(
    429,
    'queue_full',
    `pool "${pool}": all backends are busy and ${size} requests wait already`,
    retryAfter(retryAfterSeconds),
  );

export const rateLimited = (
  client: string,
  perMinute: number,
  seconds: number,
  headers: Record<string, string>,
) =>
  new HttpError(
    429,
    'rate_limit_exceeded',
    `client "${client}" may send ${perMinute} requests a minute`,
    { headers: { ...headers, 'retry-after': String(Math.max(1, Math.ceil(seconds))) } },
  );

export const tooManyConcurrent = (
  client: string,
  concurrent: number,
  headers: Record<string, string>,
) =>
  new HttpError(
    429,
    'rate_limit_exceeded',
    `client "${client}" may have ${concurrent} requests at a time`,
    { headers: { ...headers, 'retry-after': '1' } },
  );

export const demandsNotMet = (pool: string) =>
  new HttpError(
    400,
    'invalid_request',
    `no model of pool "${pool}" or its fallbacks can take this request (its length, images or tools)`,
  );

export const backendError = (backend: string, cause: unknown) =>
  new HttpError(502, 'backend_error', `backend ${backend} failed before it answered`, { cause });

export const backendTimeout = (backend: string, cause: unknown) =>
  new HttpError(504, 'backend_timeout', `backend ${backend} did not answer in time`, { cause });

export const backendNotFound = (pool: string, backend: string) =>
  new HttpError(404, 'backend_not_found', `pool "${pool}" has no backend "${backend}"`, {
    param: 'backend',
  });

export const invalidApiKey = () =>
  new HttpError(401, 'invalid_api_key', 'send a valid key as "Authorization: Bearer KEY"', {
    headers: { 'www-authenticate': 'Bearer' },
  });
