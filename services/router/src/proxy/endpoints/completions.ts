import { invalidRequest } from '@switchyard/service-kit';
import type { Endpoint } from './endpoint.js';

/** `/v1/completions`: one prompt, or several that go the way of the first; token ids tell us nothing. */
export const completions: Endpoint = {
  kind: 'prompt',
  check({ prompt }) {
    if (typeof prompt !== 'string' && !Array.isArray(prompt))
      throw invalidRequest('prompt: must be a string or a list', 'prompt');
  },
  humanTurns({ prompt }) {
    const first: unknown = Array.isArray(prompt) ? prompt[0] : prompt;
    return typeof first === 'string' ? [first] : [];
  },
};
