import { resolve } from 'node:path';
import { publishFolder, removeAbandonedDrafts } from './folder-publication.js';
import { createManifest } from './manifest.js';
import { jsonBytes, modelFiles } from './model-files.js';
import { type ModelFolder, openModelFolder } from './model-folder.js';
import { faultCode, ModelFolderError } from './model-folder-error.js';
import { MANIFEST_FILE, type ModelFiles } from './model-layout.js';
import { readModelSource } from './model-source.js';

export interface PrepareModelOptions {
  /** The folder of model folders. */
  readonly modelDir: string;
  /** The name of the model folder within it, by which transformers.js finds the model. */
  readonly name?: string;
  readonly log: (line: string) => void;
}

export interface PreparedModel extends ModelFolder {
  /** False when the model was there already, or another process was first. */
  readonly prepared: boolean;
}

/**
 * The model folder `<modelDir>/<name>`, prepared unless it is there. What a preparation left
 * damaged or what an older version wrote is replaced; what others put there is never touched.
 */
export async function prepareModel(options: PrepareModelOptions): Promise<PreparedModel> {
  const { modelDir, name = 'all-MiniLM-L6-v2', log } = options;
  const path = resolve(modelDir, name);
  await removeAbandonedDrafts(path);
  const existing = await usableFolder(path);
  if (existing) return { ...existing, prepared: false };

  log(`Preparing the model ${name} in ${path}, once, in about 2 s`);
  const source = await readModelSource();
  const files = modelFiles(source, 'q8');
  const manifest = createManifest(source, files);
  const { digest, dimensions } = manifest;
  const whole = new Map([...files, [MANIFEST_FILE, jsonBytes(manifest)]]);
  const kept = await publish(path, whole);
  if (kept) return { ...kept, prepared: false };
  return { path, digest, dimensions, dtype: 'q8', prepared: true };
}

/** The folder at `path`; undefined where there is none or only a damaged one of our own. */
async function usableFolder(path: string): Promise<ModelFolder | undefined> {
  try {
    return await openModelFolder(path);
  } catch (error) {
    const replaceable =
      error instanceof ModelFolderError && (error.fault === 'missing' || error.fault === 'damaged');
    if (replaceable) return undefined;
    throw error;
  }
}

/** Returns the folder of another process that was first, which is then left in place. */
async function publish(path: string, files: ModelFiles): Promise<ModelFolder | undefined> {
  try {
    return await publishFolder(path, files, () => usableFolder(path));
  } catch (cause) {
    if (cause instanceof ModelFolderError) throw cause;
    const problem = `it cannot be written (${faultCode(cause)})`;
    throw new ModelFolderError(path, 'unwritable', problem, { cause });
  }
}
