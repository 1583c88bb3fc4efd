import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './environment.mjs';

/** The packages of the workspace, relative to the root. */
export const packages = ['packages', 'services'].flatMap((parent) =>
  readdirSync(join(root, parent)).map((name) => `${parent}/${name}`),
);

/**
 * Files below a folder, relative to the root.
 * @param {string} folder
 */
export function filesBelow(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

/**
 * Digest of files: the same bytes give the same digest, whatever their times say.
 * @param {string[]} files relative to the root
 */
export function fingerprint(files) {
  const hash = createHash('sha256').update(
    `${process.version} ${process.platform} ${process.arch}`,
  );
  for (const file of files.toSorted())
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/**
 * @param {string} file relative to the root
 * @param {string} mark
 */
export function isMarked(file, mark) {
  try {
    return readFileSync(join(root, file), 'utf8') === mark;
  } catch {
    return false;
  }
}

/**
 * @param {string} file relative to the root
 * @param {string} mark
 */
export function setMark(file, mark) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), mark);
}
