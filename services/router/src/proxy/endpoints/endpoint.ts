import type { Question } from '../../routing/pool-chooser.js';

/** A request body that is a JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What differs between the API's endpoints: where the prompt is and what it demands of a model. */
export interface Endpoint {
  readonly kind: Question['kind'];
  /** Throws HttpError 400 naming the field. */
  check(body: JsonObject): void;
  /** What the human said, newest turn first. */
  humanTurns(body: JsonObject): string[];
  /** What every turn of a conversation begins with, the human's first words included; empty: unknown. */
  opening(body: JsonObject): unknown[];
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The text of a message's content: a string, or the text parts of an array, never tool results. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .flatMap((part: unknown) => {
      if (!isObject(part) || typeof part.text !== 'string') return [];
      return part.type === 'text' || part.type === 'input_text' ? [part.text] : [];
    })
    .join('\n');
}

/** The texts of the messages with role "user" that have any, newest first. */
export function userTurns(messages: unknown): string[] {
  if (!Array.isArray(messages)) return [];
  return messages
    .filter((message: unknown) => isObject(message) && message.role === 'user')
    .map((message: JsonObject) => contentText(message.content))
    .filter((text) => text.trim() !== '')
    .reverse();
}

/** `before`, where it is given, and all messages up to the first of the human; none without one. */
export function openingOf(before: unknown, messages: unknown): unknown[] {
  if (!Array.isArray(messages)) return [];
  const first = messages.findIndex((one: unknown) => isObject(one) && one.role === 'user');
  if (first < 0) return [];
  return [...(before === undefined ? [] : [before]), ...messages.slice(0, first + 1)];
}
