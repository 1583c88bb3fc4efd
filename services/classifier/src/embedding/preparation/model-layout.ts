/** The files of a transformers.js model folder, by path within it. */
export const CONFIG_FILE = 'config.json';
export const TOKENIZER_FILE = 'tokenizer.json';
export const TOKENIZER_CONFIG_FILE = 'tokenizer_config.json';

/** Our own addition: what the preparation wrote, and from which weights. */
export const MANIFEST_FILE = 'manifest.json';

/** transformers.js finds the graph by this name from the `dtype` it is asked for; best first. */
export const GRAPH_FILES = {
  q8: 'onnx/model_quantized.onnx',
  fp32: 'onnx/model.onnx',
} as const;

export type Dtype = keyof typeof GRAPH_FILES;

/** A file's path within its model folder and its content. */
export type ModelFiles = ReadonlyMap<string, Uint8Array>;
