import { z } from 'zod';
import { bertConfigSchema } from './bert-config.js';
import { buildBertOnnx } from './bert-graph.js';
import { floatPrecision } from './float-precision.js';
import { int8Precision } from './int8-precision.js';
import {
  CONFIG_FILE,
  type Dtype,
  GRAPH_FILES,
  type ModelFiles,
  TOKENIZER_CONFIG_FILE,
  TOKENIZER_FILE,
} from './model-layout.js';
import type { ModelSource } from './model-source.js';
import { Safetensors } from './safetensors.js';

const PRECISIONS = { q8: int8Precision, fp32: floatPrecision } as const;

/** The model folder's files; the same source gives the same bytes on every machine. */
export function modelFiles(source: ModelSource, dtype: Dtype): ModelFiles {
  const config = bertConfigSchema.parse(source.config);
  const graph = buildBertOnnx(new Safetensors(source.weights), config, PRECISIONS[dtype]);
  return new Map([
    [CONFIG_FILE, jsonBytes(source.config)],
    [TOKENIZER_FILE, jsonBytes(tokenizer(source))],
    [TOKENIZER_CONFIG_FILE, jsonBytes(tokenizerConfig(source))],
    [GRAPH_FILES[dtype], graph],
  ]);
}

/** The source pads every text to 128 tokens; the caller decides on padding and truncation here. */
function tokenizer(source: ModelSource): unknown {
  return { ...z.looseObject({}).parse(source.tokenizer), padding: null, truncation: null };
}

/** Names the special tokens to transformers.js; the rules of tokenizing are in the tokenizer. */
function tokenizerConfig(source: ModelSource): unknown {
  return {
    tokenizer_class: 'BertTokenizer',
    model_max_length: source.maxTokens,
    do_lower_case: true,
    tokenize_chinese_chars: true,
    strip_accents: null,
    unk_token: '[UNK]',
    sep_token: '[SEP]',
    pad_token: '[PAD]',
    cls_token: '[CLS]',
    mask_token: '[MASK]',
  };
}

export function jsonBytes(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}
