import { z } from 'zod';
import { IntentName, Text } from './text.js';

export const MAX_CLASSIFY_TEXTS = 64;
export const MAX_NEIGHBOURS = 100;

export const ClassifyRequest = z
  .strictObject({
    text: Text.optional(),
    texts: z.array(Text).min(1).max(MAX_CLASSIFY_TEXTS).optional(),
    k: z.int().min(1).max(MAX_NEIGHBOURS).optional(),
    explain: z.boolean().optional(),
  })
  .refine((body) => (body.text === undefined) !== (body.texts === undefined), {
    error: 'give either "text" (one prompt) or "texts" (several), not both and not neither',
    path: ['text'],
  });
export type ClassifyRequest = z.infer<typeof ClassifyRequest>;

export const Neighbour = z.object({
  id: z.string(),
  intent: IntentName,
  text: z.string(),
  similarity: z.number(),
});
export type Neighbour = z.infer<typeof Neighbour>;

export const Alternative = z.object({ intent: IntentName, confidence: z.number() });
export type Alternative = z.infer<typeof Alternative>;

export const Classification = z.object({
  /** null: out of scope, no intent is close enough. */
  intent: IntentName.nullable(),
  /** 0 to 1, of the best intent even when it was refused as out of scope. */
  confidence: z.number(),
  /**
   * 0 to 1: about this share of the intents' own exemplars is as far from its intent as the prompt,
   * or farther. Below the intent's threshold, or else `alpha`, the prompt is out of scope.
   */
  scopeScore: z.number(),
  /** The same as `scopeScore`. */
  score: z.number(),
  inScope: z.boolean(),
  alternatives: z.array(Alternative),
  neighbours: z.array(Neighbour).optional(),
  indexVersion: z.int(),
});
export type Classification = z.infer<typeof Classification>;

export const ClassificationList = z.object({ results: z.array(Classification) });

/** The data of every event on `GET /v1/changes`. */
export const ChangeEvent = z.object({ indexVersion: z.int() });
export type ChangeEvent = z.infer<typeof ChangeEvent>;
