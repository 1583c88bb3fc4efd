import { createHash } from 'node:crypto';

/** A labelled example prompt with its vector. One text belongs to one intent at a time. */
export interface Exemplar {
  id: string;
  intent: string;
  text: string;
  /** L2-normalised embedding of `text`. */
  vector: Float32Array;
}

/** The id follows from the text, so every replica and every retry gives a text the same one. */
export function exemplarId(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
