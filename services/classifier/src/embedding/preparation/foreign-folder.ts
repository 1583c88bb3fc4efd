import { z } from 'zod';
import { decodeOnnx } from '../../onnx/onnx-format.js';
import type { FolderReader } from './folder-reader.js';
import { ModelFolderError } from './model-folder-error.js';
import { type ModelIdentity, modelDigest, sha256 } from './model-identity.js';
import {
  CONFIG_FILE,
  type Dtype,
  GRAPH_FILES,
  TOKENIZER_CONFIG_FILE,
  TOKENIZER_FILE,
} from './model-layout.js';

const configSchema = z.object({ hidden_size: z.int().positive() });
const tokenizerSchema = z.object({ model: z.looseObject({}) });

/** Checks a user's own transformers.js folder: nothing says what it should be, only if it is whole. */
export async function openForeignFolder(folder: FolderReader): Promise<ModelIdentity> {
  const config = await folder.read(CONFIG_FILE, 'foreign');
  const tokenizer = await folder.read(TOKENIZER_FILE, 'foreign');
  const tokenizerConfig = await folder.readIfPresent(TOKENIZER_CONFIG_FILE);
  const { dtype, graph } = await readGraph(folder);

  const dimensions = parseJson(folder, CONFIG_FILE, config, configSchema).hidden_size;
  parseJson(folder, TOKENIZER_FILE, tokenizer, tokenizerSchema);
  checkGraph(folder, GRAPH_FILES[dtype], graph);

  const hashes = new Map([
    [GRAPH_FILES[dtype], sha256(graph)],
    [TOKENIZER_FILE, sha256(tokenizer)],
  ]);
  if (tokenizerConfig) hashes.set(TOKENIZER_CONFIG_FILE, sha256(tokenizerConfig));
  return { digest: modelDigest(dtype, hashes), dimensions, dtype };
}

async function readGraph(folder: FolderReader): Promise<{ dtype: Dtype; graph: Buffer }> {
  for (const dtype of ['q8', 'fp32'] as const) {
    const graph = await folder.readIfPresent(GRAPH_FILES[dtype]);
    if (graph) return { dtype, graph };
  }
  const either = Object.values(GRAPH_FILES).join(' or ');
  throw new ModelFolderError(folder.path, 'foreign', `${either} is missing`);
}

function parseJson<T>(
  folder: FolderReader,
  file: string,
  content: Buffer,
  schema: z.ZodType<T>,
): T {
  try {
    return schema.parse(JSON.parse(content.toString()));
  } catch (cause) {
    const problem = `${file} is not that of a model`;
    throw new ModelFolderError(folder.path, 'foreign', problem, { cause });
  }
}

/** A truncated file, or the pointer that git LFS leaves in place of one, does not decode. */
function checkGraph(folder: FolderReader, file: string, content: Buffer): void {
  let inputs: readonly string[] = [];
  let cause: unknown;
  try {
    inputs = decodeOnnx(content).graph.input.map(({ name }) => name);
  } catch (error) {
    cause = error;
  }
  if (!inputs.includes('input_ids')) {
    const problem = `${file} is truncated or not a text encoder`;
    throw new ModelFolderError(folder.path, 'foreign', problem, { cause });
  }
}
