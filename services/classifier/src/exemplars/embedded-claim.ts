import { ConfigError } from '@switchyard/service-kit';
import type { EmbeddedTables } from './embedded-tables.js';
import { isRunning, thisProcess } from './process-identity.js';

/**
 * Makes this process the owner of a store, or rejects with ConfigError. Two
 * processes on one directory would each serve its own idea of the exemplars. LMDB runs the write
 * transactions of all processes one after the other, so that only one of them finds no owner.
 */
export async function claimStore(tables: EmbeddedTables, directory: string): Promise<void> {
  const problem = await tables.transaction(() => {
    const { owner } = tables;
    if (owner && isRunning(owner))
      return `DATA_DIR: ${directory} is in use by another classifier (process ${owner.pid})`;
    tables.setOwner(thisProcess());
    return undefined;
  });
  if (problem) throw new ConfigError([problem]);
}
