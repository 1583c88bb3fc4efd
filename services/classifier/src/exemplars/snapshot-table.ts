import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { IndexEntry } from './entry-table.js';
import type { FileContent } from './snapshot-manifest.js';
import { toBytes, toVector } from './vector-bytes.js';

/** Lines between two turns of the event loop: about 1 ms. */
const LINES_AT_ONCE = 500;

/** One line of the table: row, id, intent, version and, where the graph has it not, the vector. */
const Line = z.tuple([z.int(), z.string(), z.string(), z.int(), z.base64().optional()]);

export interface TableEntry extends IndexEntry {
  vector?: Float32Array | undefined;
}

/** Writes entries as NDJSON and resolves with what the file is then. */
export async function writeTable(
  path: string,
  entries: readonly TableEntry[],
): Promise<FileContent> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = createWriteStream(path, { flush: true });
  const done = finished(file);
  // Also where nobody waits for it yet: a disk that is full is reported below.
  done.catch(() => undefined);
  for (let start = 0; start < entries.length; start += LINES_AT_ONCE) {
    const chunk = Buffer.from(
      entries
        .slice(start, start + LINES_AT_ONCE)
        .map(asLine)
        .join(''),
    );
    hash.update(chunk);
    bytes += chunk.length;
    if (!file.write(chunk)) await Promise.race([once(file, 'drain'), done]);
    await setImmediate();
  }
  file.end();
  await done;
  return { sha256: hash.digest('hex'), bytes };
}

function asLine({ row, id, intent, version, vector }: TableEntry): string {
  const line = [row, id, intent, version];
  if (vector) line.push(toBytes(vector).toString('base64'));
  return `${JSON.stringify(line)}\n`;
}

/** Reads what `writeTable` wrote; rejects on anything else. */
export async function readTable(path: string): Promise<FileContent & { entries: TableEntry[] }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const input = createReadStream(path);
  input.on('data', (chunk) => {
    hash.update(chunk);
    bytes += chunk.length;
  });
  const entries: TableEntry[] = [];
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const [row, id, intent, version, vector] = Line.parse(JSON.parse(text));
    const entry: TableEntry = { row, id, intent, version };
    if (vector !== undefined) entry.vector = toVector(Buffer.from(vector, 'base64'));
    entries.push(entry);
  }
  return { sha256: hash.digest('hex'), bytes, entries };
}
