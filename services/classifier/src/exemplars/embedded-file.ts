import { closeSync, existsSync, openSync, readSync } from 'node:fs';

/** Where LMDB's first page says what it is: `MDB_MAGIC` of its mdb.c, behind the page's header. */
const MAGIC = 0xbeefc0de;
const MAGIC_OFFSET = 24;

/**
 * Throws when the file at `path` is there and no database: LMDB itself would not, but end the
 * process. An empty file is one that was being created.
 */
export function checkDatabaseFile(path: string): void {
  if (!existsSync(path)) return;
  const start = Buffer.alloc(MAGIC_OFFSET + 4);
  const file = openSync(path, 'r');
  const length = readSync(file, start);
  closeSync(file);
  if (length > 0 && start.readUInt32LE(MAGIC_OFFSET) !== MAGIC)
    throw new Error(`${path} is damaged or no exemplar database`);
}
