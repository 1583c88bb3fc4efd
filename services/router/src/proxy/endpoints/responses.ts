import { invalidRequest } from '@switchyard/service-kit';
import { type Endpoint, openingOf, userTurns } from './endpoint.js';

/** `/v1/responses`: a string, or a list of items among which are messages. */
export const responses: Endpoint = {
  kind: 'prompt',
  check({ input }) {
    if (input !== undefined && typeof input !== 'string' && !Array.isArray(input))
      throw invalidRequest('input: must be a string or a list of items', 'input');
  },
  opening: ({ instructions, input }) =>
    typeof input === 'string' ? [instructions ?? '', input] : openingOf(instructions, input),
  humanTurns: ({ input }) => (typeof input === 'string' ? [input] : userTurns(input)),
};
