import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { faultCode } from './model-folder-error.js';
import type { ModelFiles } from './model-layout.js';

/** A preparation takes seconds; a draft this old belongs to a process that died. Milliseconds. */
const ABANDONED_AFTER = 10 * 60_000;

/** More rounds than two processes that repair the same folder can need. */
const MAX_ROUNDS = 5;

const draftPrefix = (path: string) => `.${basename(path)}.preparing-`;

/**
 * Puts a folder of `files` at `path` whole or not at all: the files go to a hidden sibling, to the
 * disk, and into place with one rename. When something is there already, `usable` tells what it is
 * good for: a result keeps it and is returned, undefined lets it be replaced.
 */
export async function publishFolder<T>(
  path: string,
  files: ModelFiles,
  usable: () => Promise<T | undefined>,
): Promise<T | undefined> {
  // Not mkdtemp: its mode 0700 would hide the model from a service run by another user.
  const draft = join(dirname(path), `${draftPrefix(path)}${randomUUID()}`);
  try {
    await mkdir(draft, { recursive: true });
    await writeFiles(draft, files);
    return await moveIntoPlace(draft, path, usable);
  } finally {
    for (const each of await siblings(draft, basename(draft))) await discard(each);
  }
}

export async function removeAbandonedDrafts(path: string): Promise<void> {
  for (const draft of await siblings(path, draftPrefix(path))) {
    const { mtimeMs } = await stat(draft).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs >= ABANDONED_AFTER) await discard(draft);
  }
}

async function siblings(path: string, prefix: string): Promise<string[]> {
  const names = await readdir(dirname(path)).catch(() => []);
  return names.filter((name) => name.startsWith(prefix)).map((name) => join(dirname(path), name));
}

/** Best effort: what cannot be removed takes room and does no other harm. */
async function discard(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {});
}

async function writeFiles(folder: string, files: ModelFiles): Promise<void> {
  const folders = new Set([folder]);
  for (const [name, content] of files) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    folders.add(dirname(path));
    await using file = await open(path, 'wx');
    await file.writeFile(content);
    await file.sync();
  }
  for (const each of folders) await syncFolder(each);
}

async function moveIntoPlace<T>(
  draft: string,
  path: string,
  usable: () => Promise<T | undefined>,
): Promise<T | undefined> {
  for (let round = 1; ; round++) {
    try {
      await rename(draft, path);
      await syncFolder(dirname(path));
      return undefined;
    } catch (error) {
      // POSIX gives either of the first two for a target that is not empty, Windows the third.
      const occupied = ['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(faultCode(error));
      if (!occupied || round === MAX_ROUNDS) throw error;
    }
    const kept = await usable();
    if (kept !== undefined) return kept;
    // Renamed, since removing it in place would show half a folder; discarded with the draft.
    await rename(path, `${draft}-replaced-${round}`).catch((error: unknown) => {
      if (faultCode(error) !== 'ENOENT') throw error;
    });
  }
}

/** Makes the names in a folder durable; Windows cannot open a folder and needs no such call. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}
