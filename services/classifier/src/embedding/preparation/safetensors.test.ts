import { describe, expect, test } from 'vitest';
import { Safetensors, SafetensorsError } from './safetensors.js';
import { safetensorsFile } from './test-support/safetensors-file.js';

const halves = Buffer.from(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00).buffer);
const floats = Buffer.from(Float32Array.of(0.1, -1e30).buffer);
const header = {
  __metadata__: { format: 'pt' },
  half: { dtype: 'F16', shape: [2, 2], data_offsets: [0, 8] },
  single: { dtype: 'F32', shape: [2], data_offsets: [8, 16] },
  ids: { dtype: 'I64', shape: [1], data_offsets: [16, 24] },
};
const data = Buffer.concat([halves, floats, Buffer.alloc(8)]);
const whole = safetensorsFile(header, data);

test('reads float16 and float32 tensors at any alignment', () => {
  for (const padding of [0, 1, 2, 3]) {
    const file = new Safetensors(
      safetensorsFile(JSON.stringify(header) + ' '.repeat(padding), data),
    );
    const half = file.floats('half', [2, 2]);
    expect(half.shape).toEqual([2, 2]);
    expect([...half.data]).toEqual([1, -2, 2 ** -24, Infinity]);
    expect([...file.floats('single', [2]).data]).toEqual([Math.fround(0.1), Math.fround(-1e30)]);
  }
});

describe('a tensor that is not what the caller needs', () => {
  const file = new Safetensors(whole);
  test.each([
    ['half', [4], 'half is [2,2], not [4]'],
    ['absent', [1], 'no tensor is named absent'],
    ['__metadata__', [1], 'no tensor is named __metadata__'],
    ['ids', [1], 'ids holds I64'],
  ])('%s as %j', (name, shape, message) => {
    expect(() => file.floats(name, shape)).toThrow(message);
  });
});

const entry = (change: object) => ({ half: { ...header.half, ...change } });

describe('a file that is truncated or foreign', () => {
  test.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(), 'shorter than its prefix'],
    ['a prefix alone', whole.subarray(0, 8), 'does not fit'],
    ['half a header', whole.subarray(0, 40), 'does not fit'],
    ['another format', Buffer.from('version https://git-lfs.github.com/spec/v1'), 'does not fit'],
    ['one byte too few', whole.subarray(0, -1), 'truncated'],
    ['one byte too many', Buffer.concat([whole, Buffer.alloc(1)]), 'cover 24 of 25 bytes'],
    ['a header of text', safetensorsFile('hello'), 'not JSON'],
    ['a header that is no object', safetensorsFile('[]'), 'not valid'],
    ['an unknown data type', safetensorsFile(entry({ dtype: 'Q4' }), halves), 'not valid'],
    ['a negative offset', safetensorsFile(entry({ data_offsets: [-8, 0] }), halves), 'not valid'],
    ['a shape of another size', safetensorsFile(entry({ shape: [3] }), halves), 'not its shape'],
    ['a reversed range', safetensorsFile(entry({ data_offsets: [8, 0] }), halves), 'not its shape'],
  ])('%s', (_, file, message) => {
    expect(() => new Safetensors(file)).toThrow(SafetensorsError);
    expect(() => new Safetensors(file)).toThrow(message);
  });
});
