import { z } from 'zod';
import { IntentName, Text } from './text.js';

export const MAX_EXEMPLARS_INLINE = 64;
export const MAX_EXEMPLARS_REQUEST = 10_000;

export const PutIntentRequest = z.strictObject({
  description: z.string().max(1024).optional(),
  /** Overrides the score below which this intent is refused; null goes back to the default. */
  threshold: z.number().nullable().optional(),
});
export type PutIntentRequest = z.infer<typeof PutIntentRequest>;

export const Intent = z.object({
  name: IntentName,
  description: z.string(),
  exemplars: z.int(),
  threshold: z.number().nullable(),
});
export type Intent = z.infer<typeof Intent>;

export const IntentList = z.object({ intents: z.array(Intent) });

export const OnConflict = z.enum(['reject', 'move']);
export type OnConflict = z.infer<typeof OnConflict>;

export const AddExemplarsRequest = z.strictObject({
  texts: z.array(Text).min(1).max(MAX_EXEMPLARS_REQUEST),
  onConflict: OnConflict.optional(),
});

export const Exemplar = z.object({ id: z.string(), text: z.string() });
export type Exemplar = z.infer<typeof Exemplar>;

export const AddExemplarsResponse = z.object({
  added: z.array(Exemplar),
  duplicates: z.array(z.string()),
  conflicts: z.array(z.object({ text: z.string(), intent: IntentName })),
  indexVersion: z.int(),
});
export type AddExemplarsResponse = z.infer<typeof AddExemplarsResponse>;

export const ExemplarPage = z.object({
  exemplars: z.array(Exemplar),
  nextCursor: z.string().nullable(),
});
export type ExemplarPage = z.infer<typeof ExemplarPage>;

/** One line of `POST /v1/import` and of `GET /v1/export`. */
export const ExemplarLine = z.strictObject({ intent: IntentName, text: Text });
export type ExemplarLine = z.infer<typeof ExemplarLine>;
