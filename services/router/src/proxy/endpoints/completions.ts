import { invalidRequest } from '@switchyard/service-kit';
import type { Endpoint } from './endpoint.js';

/** Of a prompt that grows from turn to turn, so many characters count as its opening. */
const OPENING_CHARACTERS = 1024;

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
  opening({ prompt }) {
    const first: unknown = Array.isArray(prompt) ? prompt[0] : prompt;
    return typeof first === 'string' ? [first.slice(0, OPENING_CHARACTERS)] : [];
  },
};
