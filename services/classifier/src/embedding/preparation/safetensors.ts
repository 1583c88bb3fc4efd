import { z } from 'zod';
import { elementCount, type Tensor } from '../../onnx/tensor.js';
import { halvesToFloats } from './half-float.js';

/** Bytes per element of the data types the reader knows the size of. */
const ELEMENT_BYTES = { F16: 2, F32: 4, I64: 8 } as const;

/** The u64 at the start of the file: the length of the JSON header that follows it. */
const PREFIX_BYTES = 8;

const offset = z.int().nonnegative();
const entrySchema = z.object({
  dtype: z.enum(['F16', 'F32', 'I64']),
  shape: z.array(z.int().nonnegative()),
  data_offsets: z.tuple([offset, offset]),
});
// `__metadata__` is the one key of the header that describes no tensor.
const headerSchema = z
  .looseObject({})
  .transform(({ __metadata__, ...tensors }) => tensors)
  .pipe(z.record(z.string(), entrySchema));
type Entry = z.infer<typeof entrySchema>;

export class SafetensorsError extends Error {
  override readonly name = 'SafetensorsError';
}

/**
 * The safetensors file format: u64 header length, JSON header (name to dtype, shape and
 * [begin, end) within the data), data. Numbers are little-endian, as is every platform that
 * onnxruntime-node is built for.
 */
export class Safetensors {
  readonly #entries: ReadonlyMap<string, Entry>;
  readonly #data: Uint8Array;

  constructor(file: Uint8Array) {
    const dataStart = PREFIX_BYTES + headerLength(file);
    this.#entries = parseHeader(file.subarray(PREFIX_BYTES, dataStart));
    this.#data = file.subarray(dataStart);
    checkLayout(this.#entries, this.#data.length);
  }

  /** The tensor `name` as float32; its shape must be the one the caller's architecture needs. */
  floats(name: string, shape: readonly number[]): Tensor {
    const entry = this.#entries.get(name);
    if (!entry) throw new SafetensorsError(`no tensor is named ${name}`);
    if (entry.shape.join() !== shape.join()) {
      throw new SafetensorsError(`${name} is [${entry.shape.join()}], not [${shape.join()}]`);
    }
    // A copy, because a typed array needs alignment and the header may have any length.
    const { buffer } = Uint8Array.from(this.#data.subarray(...entry.data_offsets));
    if (entry.dtype === 'F16') return { shape, data: halvesToFloats(new Uint16Array(buffer)) };
    if (entry.dtype === 'F32') return { shape, data: new Float32Array(buffer) };
    throw new SafetensorsError(`${name} holds ${entry.dtype}, not floating-point numbers`);
  }
}

function headerLength(file: Uint8Array): number {
  if (file.length < PREFIX_BYTES) throw new SafetensorsError('the file is shorter than its prefix');
  const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
  if (length > BigInt(file.length - PREFIX_BYTES)) {
    throw new SafetensorsError('the header does not fit in the file: truncated or another format');
  }
  return Number(length);
}

function parseHeader(bytes: Uint8Array): ReadonlyMap<string, Entry> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new SafetensorsError('the header is not JSON', { cause });
  }
  const header = headerSchema.safeParse(json);
  if (!header.success) {
    throw new SafetensorsError(`the header is not valid: ${z.prettifyError(header.error)}`);
  }
  return new Map(Object.entries(header.data));
}

/** Invariant of the format: the tensors cover the data exactly, each as long as its shape says. */
function checkLayout(entries: ReadonlyMap<string, Entry>, dataLength: number): void {
  let covered = 0;
  for (const [name, { dtype, shape, data_offsets }] of entries) {
    const [begin, end] = data_offsets;
    if (end > dataLength) throw new SafetensorsError(`${name} ends after the file: truncated`);
    if (end - begin !== elementCount(shape) * ELEMENT_BYTES[dtype]) {
      throw new SafetensorsError(`${name} has ${end - begin} bytes, which is not its shape`);
    }
    covered += end - begin;
  }
  if (covered !== dataLength) {
    throw new SafetensorsError(`the tensors cover ${covered} of ${dataLength} bytes`);
  }
}
