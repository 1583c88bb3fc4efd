import { z } from 'zod';

export const affinityKinds = ['client', 'session', 'user', 'conversation'] as const;

const LOAD_BOUND = { error: 'must be a number from 1 to 1000, or false for none' };
const DEFAULT_HEADER = 'x-session-id';

/**
 * What requests have in common that should meet the same backend. `affinity: session` is short for
 * `affinity: { key: session }`.
 */
export const Affinity = z.preprocess(
  (given) => (typeof given === 'string' ? { key: given } : given),
  z
    .strictObject(
      {
        key: z.enum(affinityKinds, { error: `must be one of ${affinityKinds.join(', ')}` }),
        /** That carries the session. */
        header: z
          .string({ error: 'must be the name of a header' })
          .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/, { error: 'must be the name of a header' })
          .transform((name) => name.toLowerCase())
          .optional(),
        /** How far above the average of the pool a backend may be loaded; false: any load. */
        loadBound: z
          .union(
            [z.number(LOAD_BOUND).min(1, LOAD_BOUND).max(1000, LOAD_BOUND), z.literal(false)],
            LOAD_BOUND,
          )
          .default(1.25),
      },
      { error: `must be one of ${affinityKinds.join(', ')}, or settings` },
    )
    .refine(({ key, header }) => header === undefined || key === 'session', {
      path: ['header'],
      error: 'has a meaning only with key: session',
    })
    .transform((affinity) => ({ ...affinity, header: affinity.header ?? DEFAULT_HEADER })),
);

export type AffinitySettings = z.output<typeof Affinity>;
