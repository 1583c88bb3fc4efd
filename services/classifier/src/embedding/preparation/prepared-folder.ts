import type { FolderReader } from './folder-reader.js';
import { parseManifest } from './manifest.js';
import { ModelFolderError } from './model-folder-error.js';
import { type ModelIdentity, sha256 } from './model-identity.js';
import { MANIFEST_FILE } from './model-layout.js';

/** Checks a folder of our own preparation byte for byte against its manifest. */
export async function openPreparedFolder(
  folder: FolderReader,
  manifestText: string,
): Promise<ModelIdentity> {
  const damaged = (problem: string) => new ModelFolderError(folder.path, 'damaged', problem);
  const manifest = parseManifest(manifestText);
  if ('problem' in manifest) throw damaged(`${MANIFEST_FILE} ${manifest.problem}`);

  for (const [file, expected] of Object.entries(manifest.files)) {
    const content = await folder.read(file, 'damaged');
    if (content.length !== expected.bytes) {
      throw damaged(`${file} has ${content.length} bytes instead of ${expected.bytes}`);
    }
    if (sha256(content) !== expected.sha256) {
      throw damaged(`${file} was altered after it was prepared`);
    }
  }
  return { digest: manifest.digest, dimensions: manifest.dimensions, dtype: 'q8' };
}
