import { z } from 'zod';

const size = z.int().positive();

/** The part of a BERT `config.json` that decides the graph; the literals are what the graph does. */
export const bertConfigSchema = z.object({
  model_type: z.literal('bert'),
  hidden_act: z.literal('gelu'),
  position_embedding_type: z.literal('absolute'),
  hidden_size: size,
  intermediate_size: size,
  num_attention_heads: size,
  num_hidden_layers: size,
  max_position_embeddings: size,
  type_vocab_size: size,
  vocab_size: size,
  layer_norm_eps: z.number().positive(),
});

export type BertConfig = z.infer<typeof bertConfigSchema>;
