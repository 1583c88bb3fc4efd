import type { Reply } from '../replies/reply.js';
import type { Received } from '../requests/received.js';
import { type Behaviour, modelIds } from '../settings/settings.js';

export interface Context {
  /** Unique within the backend. */
  readonly requestId: number;
  readonly behaviour: Behaviour;
}

/** What an endpoint answers; when and how it is sent is none of its business. */
export type Handler = (received: Received, context: Context) => Reply;

/** For requests that name no model. */
export function ownModel(behaviour: Behaviour): string {
  return modelIds(behaviour)[0] ?? `sim-${behaviour.name}`;
}

/** What every OpenAI object says of itself. The model is the one asked for, whatever it is. */
export function identity(
  prefix: string,
  { requestId, behaviour }: Context,
  model: string | null | undefined,
): { id: string; created: number; model: string; system_fingerprint: string } {
  return {
    id: `${prefix}-${behaviour.name}-${requestId}`,
    created: Math.floor(Date.now() / 1000),
    model: model ?? ownModel(behaviour),
    system_fingerprint: `sim-${behaviour.name}`,
  };
}
