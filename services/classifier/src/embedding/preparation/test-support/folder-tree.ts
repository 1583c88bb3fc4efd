import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Every file below `folder` with its inode and time of writing: equal trees, nothing rewritten. */
export async function folderTree(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true })).sort();
  const entries = names.map(async (name) => {
    const { ino, mtimeMs } = await stat(join(folder, name));
    return [name, `${ino} ${mtimeMs}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
