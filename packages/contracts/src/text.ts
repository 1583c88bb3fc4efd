import { z } from 'zod';

export const MAX_TEXT_CHARACTERS = 8192;

/** Characters as people count them: code points, so an emoji outside the BMP counts once. */
function withinLimit(text: string): boolean {
  if (text.length <= MAX_TEXT_CHARACTERS) return true;
  if (text.length > 2 * MAX_TEXT_CHARACTERS) return false;
  let count = 0;
  for (const _ of text) count++;
  return count <= MAX_TEXT_CHARACTERS;
}

/**
 * A prompt or an exemplar: 1 to 8192 characters after trimming. Lone surrogates become U+FFFD,
 * because no UTF-8 store or tokenizer could give them back.
 */
export const Text = z
  .string({ error: 'must be a string' })
  .transform((text) => text.trim().toWellFormed())
  .refine((text) => text.length > 0, 'must not be empty')
  .refine(withinLimit, `must be at most ${MAX_TEXT_CHARACTERS} characters after trimming`);

const intentName = (error: string) =>
  z
    .string({ error })
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$/,
      'must be 1 to 64 ASCII characters: a letter or digit first, then letters, digits, space, "_", "-" or "."',
    );

export const IntentName = intentName('must be a string');

/** Of a labelled prompt: null for one that is meant for none. */
export const Label = intentName(
  'must be the name of an intent, or null for a prompt that belongs to none',
).nullable();
