import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExemplarIndex, type IndexOptions } from './exemplar-index.js';
import { scanGraphFile } from './graph-file.js';
import { HnswGraph } from './hnsw-graph.js';
import { difference, type FileContent, kindOf, SnapshotManifest } from './snapshot-manifest.js';
import { readTable, type TableEntry, writeTable } from './snapshot-table.js';
import { VectorRows } from './vector-rows.js';

const GRAPH = 'graph.hnsw';
const TABLE = 'table.ndjson';
const MANIFEST = 'manifest.json';

export interface SnapshotKind {
  modelDigest: string;
  dimensions: number;
}

/** Writes a snapshot into an empty directory, flushed to disk; resolves with its version. */
export async function writeSnapshotFiles(
  directory: string,
  index: ExemplarIndex,
  version: () => number,
  { modelDigest, dimensions }: SnapshotKind,
): Promise<number> {
  const graphPath = join(directory, GRAPH);
  const captured = await index.save(graphPath, (entries) => ({
    version: version(),
    entries: entries.map((entry): TableEntry => {
      const vector = index.pendingVector(entry);
      return vector ? { ...entry, vector } : entry;
    }),
  }));
  await flush(graphPath);
  const { sha256, bytes } = await scanGraphFile(graphPath, dimensions);
  const manifest: SnapshotManifest = {
    ...kindOf(modelDigest, dimensions),
    version: captured.version,
    count: captured.entries.length,
    graph: { sha256, bytes },
    table: await writeTable(join(directory, TABLE), captured.entries),
  };
  const file = await open(join(directory, MANIFEST), 'wx');
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await flush(directory);
  return captured.version;
}

/** Reads a snapshot; rejects when it is damaged or of another kind. */
export async function readSnapshotFiles(
  directory: string,
  kind: SnapshotKind,
  options: IndexOptions,
): Promise<{ index: ExemplarIndex; version: number }> {
  const { dimensions } = kind;
  const manifest = SnapshotManifest.parse(
    JSON.parse(await readFile(join(directory, MANIFEST), 'utf8')),
  );
  const foreign = difference(manifest, kindOf(kind.modelDigest, dimensions));
  if (foreign) throw new Error(foreign);

  const table = await readTable(join(directory, TABLE));
  check(TABLE, table, manifest.table);
  const wanted = new Set<number>();
  for (const { row, vector } of table.entries) if (!vector) wanted.add(row);
  const rows = new VectorRows(dimensions);
  const orphans: number[] = [];
  const graphPath = join(directory, GRAPH);
  const graphFile = await scanGraphFile(graphPath, dimensions, ({ row, removed, vector }) => {
    if (removed) return;
    if (wanted.delete(row)) rows.place(row, vector);
    else orphans.push(row);
  });
  check(GRAPH, graphFile, manifest.graph);
  if (wanted.size > 0 || table.entries.length !== manifest.count)
    throw new Error('its files do not belong together');

  const pending: number[] = [];
  for (const { row, vector } of table.entries) {
    if (!vector) continue;
    rows.place(row, vector);
    pending.push(row);
  }
  rows.findFree();
  // hnswlib gives a graph that was saved empty no room.
  const graph = graphFile.elements > 0 ? await HnswGraph.load(graphPath, dimensions) : undefined;
  const entries = table.entries.map(({ vector, ...entry }) => entry);
  const index = new ExemplarIndex(dimensions, options, { rows, graph, entries, pending, orphans });
  return { index, version: manifest.version };
}

function check(name: string, found: FileContent, wanted: FileContent): void {
  if (found.bytes !== wanted.bytes || found.sha256 !== wanted.sha256)
    throw new Error(`${name} is not what was written`);
}

/** Waits until a file, or a directory's list of files, is on the disk. */
export async function flush(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
