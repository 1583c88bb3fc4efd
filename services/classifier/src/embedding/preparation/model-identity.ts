import { createHash } from 'node:crypto';
import { type Dtype, GRAPH_FILES, TOKENIZER_CONFIG_FILE, TOKENIZER_FILE } from './model-layout.js';

export interface ModelIdentity {
  /** Vectors of different digests must never be compared. */
  readonly digest: string;
  readonly dimensions: number;
  /** The `dtype` with which transformers.js loads the folder's graph. */
  readonly dtype: Dtype;
}

export function sha256(content: Uint8Array | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/**
 * Equal digests, equal vectors. Only the files that decide a vector count,
 * so a copy of a folder without its manifest is still the same model:
 *   sha256 over the lines "<sha256>  <path>\n" of the graph and the tokenizer, sorted by path
 */
export function modelDigest(dtype: Dtype, hashes: ReadonlyMap<string, string>): string {
  const lines = [GRAPH_FILES[dtype], TOKENIZER_FILE, TOKENIZER_CONFIG_FILE]
    .sort()
    .flatMap((path) => (hashes.has(path) ? [`${hashes.get(path)}  ${path}\n`] : []));
  return sha256(lines.join(''));
}
