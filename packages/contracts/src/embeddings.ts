import { z } from 'zod';

export const MAX_EMBEDDING_INPUTS = 256;

const Input = z
  .string({ error: 'must be a string (arrays of token ids are not supported)' })
  .min(1, 'must not be empty')
  .max(65_536);

/** OpenAI's embeddings request; unknown members are ignored, as OpenAI's clients add some. */
export const EmbeddingsRequest = z.object({
  input: z.union([Input, z.array(Input).min(1).max(MAX_EMBEDDING_INPUTS)], {
    error: `must be a string or an array of 1 to ${MAX_EMBEDDING_INPUTS} strings, each 1 to 65536 characters`,
  }),
  model: z.string().optional(),
  encoding_format: z.enum(['float', 'base64']).optional(),
  dimensions: z.int().optional(),
});
export type EmbeddingsRequest = z.infer<typeof EmbeddingsRequest>;

export interface EmbeddingsResponse {
  object: 'list';
  model: string;
  data: { object: 'embedding'; index: number; embedding: number[] | string }[];
  usage: { prompt_tokens: number; total_tokens: number };
}
