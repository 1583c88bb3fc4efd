import type { ErrorBody } from '@switchyard/contracts';
import type { z } from 'zod';

export interface HttpErrorOptions {
  param?: string | null;
  headers?: Record<string, string>;
  cause?: unknown;
}

/** OpenAI's `error.type` for a status, which its clients map to exception classes. */
function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** An error with a stable code that becomes a response in OpenAI's error shape. */
export class HttpError extends Error {
  readonly param: string | null;
  readonly headers: Record<string, string>;

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    { param = null, headers = {}, cause }: HttpErrorOptions = {},
  ) {
    super(message, { cause });
    this.name = 'HttpError';
    this.param = param;
    this.headers = headers;
  }

  get body(): ErrorBody {
    const { message, code, param } = this;
    return { error: { message, type: typeOf(this.status), code, param } };
  }
}

export const invalidRequest = (message: string, param: string | null = null) =>
  new HttpError(400, 'invalid_request', message, { param });

/** A path as people write it: `pools.code.backends[0].url`. */
export const fieldPath = (path: readonly PropertyKey[]) =>
  path.reduce<string>(
    (text, part) =>
      typeof part === 'number'
        ? `${text}[${part}]`
        : text
          ? `${text}.${String(part)}`
          : String(part),
    '',
  );

/** Parses outside input; the error names the field and the first thing wrong with it. */
export function parseRequest<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const unknownField = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const param = fieldPath([...(issue?.path ?? []), ...(unknownField ? [unknownField] : [])]);
  const notAnObject = !param && issue?.code === 'invalid_type';
  const what = unknownField
    ? 'is not a known field'
    : notAnObject
      ? 'must be a JSON object'
      : (issue?.message ?? 'is not valid');
  throw invalidRequest(param ? `${param}: ${what}` : `request body: ${what}`, param || null);
}
