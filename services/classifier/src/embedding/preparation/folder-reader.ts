import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { faultCode, ModelFolderError, type ModelFolderFault } from './model-folder-error.js';

/** Reads files by their path within a model folder; every failure is a ModelFolderError. */
export class FolderReader {
  constructor(readonly path: string) {}

  async readIfPresent(file: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.path, file));
    } catch (cause) {
      const code = faultCode(cause);
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new ModelFolderError(this.path, 'foreign', `${file} cannot be read (${code})`, {
        cause,
      });
    }
  }

  async read(file: string, faultIfMissing: ModelFolderFault): Promise<Buffer> {
    const content = await this.readIfPresent(file);
    if (!content) throw new ModelFolderError(this.path, faultIfMissing, `${file} is missing`);
    return content;
  }
}
