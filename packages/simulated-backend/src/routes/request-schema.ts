import { z } from 'zod';
import { ApiError } from '../errors.js';
import type { Received } from '../requests/received.js';
import { fieldProblems } from '../settings/issues.js';

/** llama.cpp's clients send -1 for "no limit". */
const tokenLimit = z
  .int()
  .min(-1)
  .refine((limit) => limit !== 0, 'expected at least 1')
  .nullish();

/** What chat and text completions have in common. OpenAI takes null for an option left out. */
export const generationOptions = {
  model: z.string().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: tokenLimit,
  max_completion_tokens: tokenLimit,
  n: z.literal(1, { error: 'only 1 is supported' }).nullish(),
};

export function limitOf(request: {
  max_tokens?: number | null | undefined;
  max_completion_tokens?: number | null | undefined;
}): number | undefined {
  const limit = request.max_completion_tokens ?? request.max_tokens ?? -1;
  return limit < 0 ? undefined : limit;
}

/** Fields the schema does not name are accepted, as real servers do. */
export function parseRequest<Schema extends z.ZodType>(
  schema: Schema,
  received: Received,
): z.output<Schema> {
  const parsed = schema.safeParse(received.json());
  if (parsed.success) return parsed.data;
  const [problem = { field: '', message: 'invalid request' }] = fieldProblems(parsed.error);
  const { field, message } = problem;
  throw new ApiError(
    400,
    'invalid_request',
    field === '' ? message : `${field}: ${message}`,
    field === '' ? null : field,
  );
}

export function wantsUsage(request: {
  stream_options?: { include_usage?: boolean | null | undefined } | null | undefined;
}): boolean {
  return request.stream_options?.include_usage === true;
}
