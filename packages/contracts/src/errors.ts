import { z } from 'zod';

/** OpenAI's error shape, used by both services. */
export const ErrorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    code: z.string(),
    param: z.string().nullable(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;
