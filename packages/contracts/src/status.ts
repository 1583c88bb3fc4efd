import { z } from 'zod';

/** Exemplars that get vectors of another model. */
export const Reembedding = z.object({
  /** The one that will serve. */
  model: z.string(),
  done: z.int(),
  total: z.int(),
});
export type Reembedding = z.infer<typeof Reembedding>;

/** `GET /status` of the classifier. */
export const ClassifierStatus = z.object({
  ready: z.boolean(),
  /** What there is to wait for while it is not ready. */
  reason: z.string().nullable(),
  /** The one that serves. */
  model: z.string().nullable(),
  indexVersion: z.int().nullable(),
  exemplars: z.int().nullable(),
  /** `current`: the scoring is trained on the exemplars there are. */
  training: z.object({ current: z.boolean(), busy: z.boolean(), lastMs: z.number() }).nullable(),
  reembedding: Reembedding.nullable(),
});
export type ClassifierStatus = z.infer<typeof ClassifierStatus>;
