/** A safetensors file by hand; `header` may be any JSON, or any text at all. */
export function safetensorsFile(header: unknown, data: Uint8Array = new Uint8Array()): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([prefix, json, data]);
}
