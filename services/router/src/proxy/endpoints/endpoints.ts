import { chat } from './chat.js';
import { completions } from './completions.js';
import { embeddings } from './embeddings.js';
import type { Endpoint } from './endpoint.js';
import { responses } from './responses.js';

const byPath = new Map<string, Endpoint>([
  ['/v1/chat/completions', chat],
  ['/v1/messages', chat],
  ['/v1/completions', completions],
  ['/v1/responses', responses],
  ['/v1/embeddings', embeddings],
]);

/** Everything else under /v1 goes to the pool of the model asked for, or to the default pool. */
const passThrough: Endpoint = {
  kind: 'other',
  check: () => {},
  humanTurns: () => [],
  opening: () => [],
};

/** Paths with an adapter of their own take POST only. */
export const hasAdapter = (path: string): boolean => byPath.has(path);

export const endpointFor = (path: string): Endpoint => byPath.get(path) ?? passThrough;
