import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** Where hnswlib's `saveIndex` puts how many elements the graph has room for. */
export const CAPACITY_OFFSET = 8;
const HEADER_BYTES = 96;
const CHUNK_BYTES = 512 * 1024;
/** Second half of the word in front of an element's links; bit 0 of its first byte: removed. */
const DELETE_MARK_OFFSET = 2;

export interface GraphRecord {
  row: number;
  removed: boolean;
  /** A view that is valid until the callback returns. */
  vector: Float32Array;
}

export interface GraphFileContent {
  sha256: string;
  bytes: number;
  elements: number;
}

/**
 * Reads a file of hnswlib's `HierarchicalNSW::saveIndex` (hnswalg.h): a header, one record of links,
 * vector and label for each element, then the links of the upper levels with their lengths. Shows
 * every record and resolves with the digest of the whole; rejects when the parts do not add up.
 */
export async function scanGraphFile(
  path: string,
  dimensions: number,
  onRecord: (record: GraphRecord) => void = () => undefined,
): Promise<GraphFileContent> {
  const file = await open(path, 'r');
  try {
    return await scan(file, dimensions, onRecord);
  } finally {
    await file.close();
  }
}

async function scan(
  file: FileHandle,
  dimensions: number,
  onRecord: (record: GraphRecord) => void,
): Promise<GraphFileContent> {
  const { size: bytes } = await file.stat();
  const hash = createHash('sha256');
  let position = 0;
  const read = async (length: number): Promise<Buffer<ArrayBuffer>> => {
    const buffer = Buffer.from(new ArrayBuffer(length));
    const { bytesRead } = await file.read(buffer, 0, length, position);
    if (bytesRead !== length) throw damaged('it ends too early');
    position += length;
    hash.update(buffer);
    return buffer;
  };

  const header = await read(HEADER_BYTES);
  const word = (index: number) => Number(header.readBigUInt64LE(8 * index));
  const [elements, recordBytes, labelOffset, vectorOffset] = [word(2), word(3), word(4), word(5)];
  if (recordBytes !== labelOffset + 8 || labelOffset !== vectorOffset + 4 * dimensions)
    throw damaged(`its vectors do not have ${dimensions} dimensions`);
  if (HEADER_BYTES + elements * (recordBytes + 4) > bytes) throw damaged('it ends too early');

  const atOnce = Math.max(1, Math.floor(CHUNK_BYTES / recordBytes));
  for (let done = 0; done < elements; done += atOnce) {
    const count = Math.min(atOnce, elements - done);
    const chunk = await read(count * recordBytes);
    for (let offset = 0; offset < chunk.length; offset += recordBytes)
      onRecord({
        row: Number(chunk.readBigUInt64LE(offset + labelOffset)),
        removed: ((chunk[offset + DELETE_MARK_OFFSET] ?? 0) & 1) === 1,
        vector: new Float32Array(chunk.buffer, offset + vectorOffset, dimensions),
      });
  }

  const upper = await read(bytes - position);
  let at = 0;
  for (let element = 0; element < elements; element++) {
    if (at + 4 > upper.length) throw damaged('it ends too early');
    at += 4 + upper.readUInt32LE(at);
  }
  if (at !== upper.length) throw damaged('its parts do not add up');
  return { sha256: hash.digest('hex'), bytes, elements };
}

const damaged = (how: string) => new Error(`the graph file is damaged: ${how}`);
