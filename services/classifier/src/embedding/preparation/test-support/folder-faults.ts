import { appendFile, mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFolderFault } from '../model-folder-error.js';
import { GRAPH_FILES } from '../model-layout.js';

const GRAPH = GRAPH_FILES.q8;

export async function replaceIn(file: string, from: string | RegExp, to: string): Promise<void> {
  await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
}

/** Without its manifest, a folder is a user's own. */
const unmark = (path: string) => rm(join(path, 'manifest.json'));

/** A way to spoil the prepared folder at `path`, and the error it must give. */
type FolderFault = [
  what: string,
  fault: ModelFolderFault,
  problem: string,
  make: (path: string) => Promise<unknown>,
];

export const folderFaults: readonly FolderFault[] = [
  ['no folder', 'missing', 'does not exist', (path) => rm(path, { recursive: true })],
  [
    'an empty folder',
    'missing',
    'is empty',
    (path) => rm(path, { recursive: true }).then(() => mkdir(path)),
  ],
  [
    'a file instead of a folder',
    'foreign',
    'is not a folder',
    (path) => rm(path, { recursive: true }).then(() => writeFile(path, 'x')),
  ],
  [
    'a truncated graph',
    'damaged',
    `${GRAPH} has 1000 bytes`,
    (path) => truncate(join(path, GRAPH), 1000),
  ],
  ['a longer graph', 'damaged', `${GRAPH} has`, (path) => appendFile(join(path, GRAPH), 'x')],
  [
    'no graph',
    'damaged',
    `${GRAPH} is missing`,
    (path) => rm(join(path, 'onnx'), { recursive: true }),
  ],
  [
    'no tokenizer',
    'damaged',
    'tokenizer.json is missing',
    (path) => rm(join(path, 'tokenizer.json')),
  ],
  [
    'another tokenizer of the same length',
    'damaged',
    'tokenizer.json was altered',
    (path) => replaceIn(join(path, 'tokenizer.json'), '"[PAD]"', '"[PAX]"'),
  ],
  [
    'an altered manifest',
    'damaged',
    'manifest.json has a digest that is not',
    (path) => replaceIn(join(path, 'manifest.json'), /"digest": "\w{4}/, '"digest": "0000'),
  ],
  [
    'a truncated manifest',
    'damaged',
    'manifest.json is not JSON',
    (path) => truncate(join(path, 'manifest.json'), 100),
  ],
  [
    'an empty manifest',
    'damaged',
    'manifest.json is not JSON',
    (path) => truncate(join(path, 'manifest.json'), 0),
  ],
  [
    'the manifest of another format',
    'damaged',
    'manifest.json is of format 0',
    (path) =>
      replaceIn(join(path, 'manifest.json'), '"preparationFormat": 2', '"preparationFormat": 0'),
  ],
  [
    'a foreign folder with a truncated graph',
    'foreign',
    `${GRAPH} is truncated`,
    (path) => unmark(path).then(() => truncate(join(path, GRAPH), 20_000_000)),
  ],
  [
    'a foreign folder with a git LFS pointer',
    'foreign',
    `${GRAPH} is truncated or not a text encoder`,
    (path) =>
      unmark(path).then(() =>
        writeFile(join(path, GRAPH), 'version https://git-lfs.github.com/spec/v1'),
      ),
  ],
  [
    'a foreign folder without a graph',
    'foreign',
    `${GRAPH} or onnx/model.onnx is missing`,
    (path) => unmark(path).then(() => rm(join(path, GRAPH))),
  ],
  [
    'a foreign folder without a tokenizer',
    'foreign',
    'tokenizer.json is missing',
    (path) => unmark(path).then(() => rm(join(path, 'tokenizer.json'))),
  ],
  [
    'a foreign folder whose config has no width',
    'foreign',
    'config.json is not that of a model',
    (path) => unmark(path).then(() => writeFile(join(path, 'config.json'), '{}')),
  ],
  [
    'a folder of other things',
    'foreign',
    'config.json is missing',
    (path) => unmark(path).then(() => rm(join(path, 'config.json'))),
  ],
];
