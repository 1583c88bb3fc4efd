import { z } from 'zod';
import { milliseconds, Name, percentage, whole } from './fields.js';

/** Rounding of percentages such as 33.3 is let pass. */
const PERCENT_TOLERANCE = 0.11;

const Variant = z.strictObject(
  {
    /** Of the pool's requests, by the key of its affinity. */
    percent: percentage,
    /** All of the pool's unless given. */
    backends: z.array(Name, { error: 'must be a list of names' }).min(1).optional(),
    /** Sent in place of what the backends serve by themselves. */
    model: z.string({ error: 'must be a name' }).min(1).optional(),
  },
  { error: 'must be settings with a percent' },
);

/** Name -> variant; together they have all requests. */
export const Variants = z
  .record(Name, Variant, { error: 'must map names to variants' })
  .refine((variants) => Object.keys(variants).length > 0, { error: 'must have at least one' })
  .superRefine((variants, context) => {
    const sum = Object.values(variants).reduce((all, { percent }) => all + percent, 0);
    if (Math.abs(sum - 100) > PERCENT_TOLERANCE)
      context.addIssue({ code: 'custom', message: `percents add up to ${sum}, and must to 100` });
  });

/** A share of the requests is sent to another pool as well, and what it answers is thrown away. */
export const Shadow = z.strictObject({
  pool: Name,
  /** One of that pool; unless given, its policy chooses. */
  backend: Name.optional(),
  percent: percentage,
  /** At a time, of each router; more are not copied. */
  concurrency: whole(1, 100_000).default(8),
  /** For the whole answer. */
  timeoutMs: milliseconds(60_000, 3_600_000),
  /** Larger requests are not copied. */
  maxBodyBytes: whole(1, 1024 ** 3).default(1024 ** 2),
});

export type VariantSettings = z.output<typeof Variant>;
export type ShadowSettings = z.output<typeof Shadow>;
