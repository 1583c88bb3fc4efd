import { z } from 'zod';
import { milliseconds } from './fields.js';

const DETECTORS = ['ollama', 'llama-swap'] as const;
const SHAPE = { error: `must be true, false, ${DETECTORS.join(', ')}, or settings` };

const WarmRequest = z.strictObject({
  path: z.string().startsWith('/v1/', { error: 'must start with /v1/' }),
  /** `model` is put in. */
  body: z.record(z.string(), z.unknown()),
});

/** As little work as makes a server load its model. */
const DEFAULT_REQUEST = {
  path: '/v1/chat/completions',
  body: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 },
};

const expand = (given: unknown): unknown => {
  if (given === true) return {};
  return typeof given === 'string' ? { detect: given } : given;
};

/**
 * What is done about servers that have not loaded their model. `true` warms those that come back,
 * `ollama` and `llama-swap` also those that say that they have unloaded it, `false` none.
 */
export const Warm = z.preprocess(
  expand,
  z.union(
    [
      z.literal(false),
      z
        .strictObject(
          {
            /** Whom to ask which models are in memory: `/api/ps` or `/running`. */
            detect: z
              .enum(DETECTORS, { error: `must be one of ${DETECTORS.join(', ')}` })
              .optional(),
            /** false: it is not warmed, and others are preferred. */
            request: z.union([z.literal(false), WarmRequest]).default(DEFAULT_REQUEST),
            /** For the answer to it: a large model takes its time. */
            timeoutMs: milliseconds(120_000, 3_600_000),
          },
          SHAPE,
        )
        .refine(({ detect, request }) => detect !== undefined || request !== false, {
          path: ['request'],
          error: 'may be false only with detect, or nothing would ever be known to be warm',
        }),
    ],
    SHAPE,
  ),
);

export type WarmSettings = Exclude<z.output<typeof Warm>, false>;
