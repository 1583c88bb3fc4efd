import { z } from 'zod';

/** Of a pool, a backend or a variant. */
export const Name = z
  .string({ error: 'must be a name' })
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, {
    error: 'must be 1 to 64 letters, digits, "_", "-" or ".", a letter or digit first',
  });

export const milliseconds = (fallback: number, max: number, min = 1) =>
  z.int({ error: 'must be a whole number of milliseconds' }).min(min).max(max).default(fallback);

export const whole = (min: number, max: number) =>
  z.int({ error: 'must be a whole number' }).min(min).max(max);

export const percentage = z
  .number({ error: 'must be a number from 0 to 100' })
  .min(0, { error: 'must be from 0 to 100' })
  .max(100, { error: 'must be from 0 to 100' });
