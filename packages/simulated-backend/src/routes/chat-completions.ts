import { z } from 'zod';
import { completionEvents } from '../replies/completion-events.js';
import { estimateTokens, generate, usageOf } from '../replies/generation.js';
import { jsonReply } from '../replies/reply.js';
import { type Handler, identity } from './context.js';
import { generationOptions, limitOf, parseRequest, wantsUsage } from './request-schema.js';

const part = z.looseObject({ type: z.string(), text: z.string().optional() });
const message = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(part)]).nullish(),
});
const schema = z.object({ ...generationOptions, messages: z.array(message).min(1) });

function textOf({ content }: z.output<typeof message>): string {
  if (typeof content === 'string') return content;
  return (content ?? []).flatMap(({ text }) => text ?? []).join('\n');
}

function chunkChoice(delta: object, finishReason: string | null): object {
  return { index: 0, delta, logprobs: null, finish_reason: finishReason };
}

export const chatCompletions: Handler = (received, context) => {
  const request = parseRequest(schema, received);
  const newest = request.messages.findLast(({ role }) => role === 'user');
  const prompt = newest === undefined ? '' : textOf(newest);
  const { tokens, finishReason } = generate(context.behaviour, prompt, limitOf(request));
  const characters = request.messages.reduce((sum, each) => sum + textOf(each).length, 0);
  const usage = usageOf(estimateTokens(characters), tokens.length);
  const about = identity('chatcmpl', context, request.model);

  if (request.stream) {
    return completionEvents(
      { object: 'chat.completion.chunk', ...about },
      {
        opening: [chunkChoice({ role: 'assistant', content: '', refusal: null }, null)],
        tokens: tokens.length,
        token: (index) => chunkChoice({ content: tokens[index] }, null),
        closing: [chunkChoice({}, finishReason)],
      },
      wantsUsage(request) ? usage : undefined,
    );
  }
  const choice = {
    index: 0,
    message: { role: 'assistant', content: tokens.join(''), refusal: null },
    logprobs: null,
    finish_reason: finishReason,
  };
  return jsonReply(
    { object: 'chat.completion', ...about, choices: [choice], usage },
    tokens.length,
  );
};
