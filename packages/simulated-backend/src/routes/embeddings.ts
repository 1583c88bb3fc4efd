import { z } from 'zod';
import { estimateTokens } from '../replies/generation.js';
import { jsonReply } from '../replies/reply.js';
import { type Handler, ownModel } from './context.js';
import { parseRequest } from './request-schema.js';

const DIMENSIONS = 32;

const tokenIds = z.array(z.int()).min(1);
const schema = z.object({
  model: z.string().nullish(),
  input: z.union(
    [
      z.string(),
      tokenIds,
      z
        .array(z.union([z.string(), tokenIds]))
        .min(1)
        .max(2048),
    ],
    { error: 'expected a string, an array of strings or tokens' },
  ),
  encoding_format: z.enum(['float', 'base64']).nullish(),
});

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return value >>> 0;
}

/** The same text always has the same unit vector: a xorshift32 sequence seeded with its hash. */
export function simulatedVector(text: string): Float32Array {
  let state = hash(text) || 1;
  const values = Array.from({ length: DIMENSIONS }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 0x80000000;
  });
  const norm = Math.hypot(...values);
  return Float32Array.from(values, (value) => value / norm);
}

/** OpenAI's base64 is of little-endian 32-bit floats, this machine's own layout. */
function encode(vector: Float32Array, format: 'float' | 'base64'): number[] | string {
  return format === 'float' ? Array.from(vector) : Buffer.from(vector.buffer).toString('base64');
}

function inputsOf(input: z.output<typeof schema>['input']): string[] {
  if (typeof input === 'string') return [input];
  if (typeof input[0] === 'number') return [input.join(' ')];
  return input.map((each) => (Array.isArray(each) ? each.join(' ') : String(each)));
}

export const embeddings: Handler = (received, { behaviour }) => {
  const request = parseRequest(schema, received);
  const inputs = inputsOf(request.input);
  const format = request.encoding_format ?? 'float';
  const tokens = inputs.reduce((sum, { length }) => sum + estimateTokens(length), 0);
  return jsonReply({
    object: 'list',
    data: inputs.map((text, index) => ({
      object: 'embedding',
      index,
      embedding: encode(simulatedVector(text), format),
    })),
    model: request.model ?? ownModel(behaviour),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  });
};
