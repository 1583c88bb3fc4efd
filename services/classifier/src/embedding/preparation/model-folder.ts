import { readdir } from 'node:fs/promises';
import { FolderReader } from './folder-reader.js';
import { openForeignFolder } from './foreign-folder.js';
import { faultCode, ModelFolderError } from './model-folder-error.js';
import type { ModelIdentity } from './model-identity.js';
import { MANIFEST_FILE } from './model-layout.js';
import { openPreparedFolder } from './prepared-folder.js';

export interface ModelFolder extends ModelIdentity {
  readonly path: string;
}

/**
 * The model folder at `path`, with every byte of it checked: against the manifest of our own
 * preparation, or, in a user's own transformers.js folder, for being whole. Throws ModelFolderError.
 */
export async function openModelFolder(path: string): Promise<ModelFolder> {
  await requireContent(path);
  const folder = new FolderReader(path);
  const manifest = await folder.readIfPresent(MANIFEST_FILE);
  const opened = manifest
    ? await openPreparedFolder(folder, manifest.toString())
    : await openForeignFolder(folder);
  return { path, ...opened };
}

async function requireContent(path: string): Promise<void> {
  try {
    const names = await readdir(path);
    if (names.length > 0) return;
  } catch (cause) {
    const code = faultCode(cause);
    if (code === 'ENOENT') {
      throw new ModelFolderError(path, 'missing', 'it does not exist', { cause });
    }
    const problem =
      code === 'ENOTDIR' ? 'it is not a folder or not in one' : `it cannot be read (${code})`;
    throw new ModelFolderError(path, 'foreign', problem, { cause });
  }
  throw new ModelFolderError(path, 'missing', 'it is empty');
}
