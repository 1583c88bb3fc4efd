import { invalidRequest } from '@switchyard/service-kit';
import { type Endpoint, isObject, openingOf, userTurns } from './endpoint.js';

/** `/v1/chat/completions`, and `/v1/messages`, whose messages have the same shape. */
export const chat: Endpoint = {
  kind: 'prompt',
  check({ messages }) {
    if (!Array.isArray(messages) || messages.length === 0)
      throw invalidRequest('messages: must be a list of at least one message', 'messages');
    const wrong = messages.findIndex((message: unknown) => !isObject(message));
    if (wrong >= 0) {
      const param = `messages[${wrong}]`;
      throw invalidRequest(`${param}: must be an object with role and content`, param);
    }
  },
  humanTurns: ({ messages }) => userTurns(messages),
  opening: ({ system, messages }) => openingOf(system, messages),
};
