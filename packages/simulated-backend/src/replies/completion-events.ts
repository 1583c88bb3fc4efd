import type { Usage } from './generation.js';
import { DONE_EVENT, type EventsReply, event } from './reply.js';

/** Where chat and text completion streams differ: the choices of their chunks. */
export interface ChunkChoices {
  opening: object[];
  /** One for each token. */
  tokens: number;
  token: (index: number) => object;
  closing: object[];
}

/** With `usage` (stream_options.include_usage) every chunk has the member: null, but in the last. */
export function completionEvents(
  about: object,
  { opening, tokens, token, closing }: ChunkChoices,
  usage?: Usage,
): EventsReply {
  const noUsageYet = usage === undefined ? {} : { usage: null };
  const chunk = (choice: object) => event({ ...about, choices: [choice], ...noUsageYet });
  const usageChunk = usage === undefined ? '' : event({ ...about, choices: [], usage });
  return {
    kind: 'events',
    tokens,
    head: opening.map(chunk).join(''),
    token: (index) => chunk(token(index)),
    tail: closing.map(chunk).join('') + usageChunk + DONE_EVENT,
  };
}
