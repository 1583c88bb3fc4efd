import { ConfigError } from '@switchyard/service-kit';
import type { EmbeddedTables } from './embedded-tables.js';
import { isRunning, thisProcess } from './process-identity.js';

/**
 * Makes this process the owner of a store of this model's vectors, or rejects with ConfigError. Two
 * processes on one directory would each serve its own idea of the exemplars. LMDB runs the write
 * transactions of all processes one after the other, so that only one of them finds no owner.
 */
export async function claimStore(
  tables: EmbeddedTables,
  { directory, modelDigest }: { directory: string; modelDigest: string },
): Promise<void> {
  const problem = await tables.transaction(() => {
    const { owner, model = modelDigest } = tables;
    if (owner && isRunning(owner))
      return `DATA_DIR: ${directory} is in use by another classifier (process ${owner.pid})`;
    if (model !== modelDigest)
      return (
        `DATA_DIR: the exemplars in ${directory} were embedded with another model (${model}); ` +
        'use that model, or export them and import them into an empty DATA_DIR'
      );
    tables.model = modelDigest;
    tables.setOwner(thisProcess());
    return undefined;
  });
  if (problem) throw new ConfigError([problem]);
}
