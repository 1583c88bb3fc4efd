/** A vector as it is stored: float32, in the byte order of the machine, which is little endian. */
export const toBytes = (vector: Float32Array) =>
  Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);

/** A copy: LMDB may reuse the memory of what it read. */
export function toVector(bytes: Buffer): Float32Array {
  const vector = new Float32Array(bytes.byteLength / Float32Array.BYTES_PER_ELEMENT);
  bytes.copy(Buffer.from(vector.buffer));
  return vector;
}
