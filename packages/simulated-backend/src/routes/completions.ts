import { z } from 'zod';
import { completionEvents } from '../replies/completion-events.js';
import { estimateTokens, generate, usageOf } from '../replies/generation.js';
import { jsonReply } from '../replies/reply.js';
import { type Handler, identity } from './context.js';
import { generationOptions, limitOf, parseRequest, wantsUsage } from './request-schema.js';

const schema = z.object({
  ...generationOptions,
  prompt: z.union([z.string(), z.array(z.string()).min(1).max(64)], {
    error: 'expected a string or an array of strings',
  }),
});

function choice(index: number, text: string, finishReason: string | null): object {
  return { text, index, logprobs: null, finish_reason: finishReason };
}

/** An array of prompts gets one choice each, in order, one after another in a stream. */
export const completions: Handler = (received, context) => {
  const request = parseRequest(schema, received);
  const prompts = typeof request.prompt === 'string' ? [request.prompt] : request.prompt;
  const limit = limitOf(request);
  const answers = prompts.map((prompt) => generate(context.behaviour, prompt, limit));
  const tokens = answers.flatMap((answer, index) => answer.tokens.map((text) => ({ index, text })));
  const promptTokens = prompts.reduce((sum, { length }) => sum + estimateTokens(length), 0);
  const usage = usageOf(promptTokens, tokens.length);
  const about = { object: 'text_completion', ...identity('cmpl', context, request.model) };

  if (request.stream) {
    return completionEvents(
      about,
      {
        opening: [],
        tokens: tokens.length,
        token: (at) => choice(tokens[at]?.index ?? 0, tokens[at]?.text ?? '', null),
        closing: answers.map(({ finishReason }, index) => choice(index, '', finishReason)),
      },
      wantsUsage(request) ? usage : undefined,
    );
  }
  const choices = answers.map((answer, index) =>
    choice(index, answer.tokens.join(''), answer.finishReason),
  );
  return jsonReply({ ...about, choices, usage }, tokens.length);
};
