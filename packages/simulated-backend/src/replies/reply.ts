/** One JSON document. */
export interface JsonReply {
  kind: 'json';
  status: number;
  body: object;
  /** Generated for it; each costs 1 / tokensPerSecond. */
  tokens: number;
}

/** Server-sent events: `head`, one event per token, `tail`. */
export interface EventsReply {
  kind: 'events';
  tokens: number;
  head: string;
  token: (index: number) => string;
  tail: string;
}

export type Reply = JsonReply | EventsReply;

export function jsonReply(body: object, tokens = 0): JsonReply {
  return { kind: 'json', status: 200, body, tokens };
}

export function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export const DONE_EVENT = 'data: [DONE]\n\n';
