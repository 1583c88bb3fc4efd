import { createHash } from 'node:crypto';

/** A labelled example prompt with its vector. One text belongs to one intent at a time. */
export interface Exemplar {
  id: string;
  intent: string;
  text: string;
  /** L2-normalised embedding of `text`. */
  vector: Float32Array;
}

/** One that is stored. */
export interface StoredExemplar extends Exemplar {
  /** Of the store, when the exemplar was added or last moved to another intent. */
  version: number;
}

/** A stored exemplar without what makes it large. */
export type ExemplarKey = Pick<StoredExemplar, 'id' | 'intent' | 'version'>;

/** The id follows from the text, so every replica and every retry gives a text the same one. */
export function exemplarId(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
