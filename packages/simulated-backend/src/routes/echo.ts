import { jsonReply } from '../replies/reply.js';
import type { Handler } from './context.js';

/** Stands in for every endpoint not simulated; the request itself is in the `simulated` member. */
export const echo: Handler = (received, { behaviour }) => {
  const body = received.echo();
  const model = typeof body === 'object' && body !== null && 'model' in body ? body.model : null;
  return jsonReply({
    object: 'echo',
    model,
    system_fingerprint: `sim-${behaviour.name}`,
    body_bytes: received.bytes,
    body_sha256: received.sha256(),
  });
};
