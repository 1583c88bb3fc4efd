import { invalidRequest } from '@switchyard/service-kit';
import type { Endpoint } from './endpoint.js';

/** `/v1/embeddings`: routed by model, never by meaning. */
export const embeddings: Endpoint = {
  kind: 'embeddings',
  check({ input }) {
    if (typeof input !== 'string' && !Array.isArray(input))
      throw invalidRequest('input: must be a string or a list', 'input');
  },
  humanTurns: () => [],
  opening: () => [],
};
