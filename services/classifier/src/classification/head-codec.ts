import { deserialize, serialize } from 'node:v8';
import { HEAD_FORMAT, type Head } from './head.js';

/** V8's structured clone format, which later versions of Node read as well. */
export const encodeHead = (head: Head): Uint8Array => serialize(head);

/** undefined for bytes of another format or of another model: such a head is trained anew. */
export function decodeHead(bytes: Uint8Array, modelDigest: string): Head | undefined {
  try {
    const head = deserialize(bytes) as Partial<Head>;
    const known = head.format === HEAD_FORMAT && head.modelDigest === modelDigest;
    return known ? (head as Head) : undefined;
  } catch {
    return undefined;
  }
}
