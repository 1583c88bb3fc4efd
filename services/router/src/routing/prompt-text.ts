import type { Strip } from '../configuration/schema.js';

/** What the classifier accepts; it looks at the beginning and the end of a text anyway. */
const MAX_CHARACTERS = 8192;
/** Patterns take time linear in the text; beyond this length it is not worth it. */
const MAX_STRIPPED_CHARACTERS = 32_768;

/** A human turn without what harnesses wrap around it, short enough to classify; '' if nothing is left. */
export function promptText(turn: string, strip: Strip): string {
  const bounded = cutMiddle(turn, MAX_STRIPPED_CHARACTERS);
  const stripped = strip.reduce((text, pattern) => pattern.remove(text), bounded);
  return cutMiddle(stripped.trim(), MAX_CHARACTERS).toWellFormed().trim();
}

/** `limit` UTF-16 units: the beginning and the end. */
function cutMiddle(text: string, limit: number): string {
  if (text.length <= limit) return text;
  return text.slice(0, limit / 2) + text.slice(-limit / 2);
}
