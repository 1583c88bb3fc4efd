import { expect, test } from 'vitest';
import { GraphBuilder } from './graph-builder.js';
import { decodeOnnx, ElementType } from './onnx-format.js';

const batch = [{ dimParam: 'batch' }, { dimValue: 2 }];

test('an encoded graph decodes to what was built', () => {
  const builder = new GraphBuilder();
  const x = builder.input('x', ElementType.float, batch);
  const w = builder.floats('w', { shape: [2], data: Float32Array.of(1.5, -2) });
  const [a] = builder.op3('Split', [x, builder.int64s(1, 1)], { axis: -1 });
  const normal = builder.op('LayerNormalization', [a, w], { epsilon: { float: 0.5 } });
  const turned = builder.op('Transpose', [normal], { perm: [1, 0] });
  builder.output('y', turned, ElementType.float, batch);

  const model = decodeOnnx(builder.encode('small'));
  expect(model.irVersion).toBe(8);
  expect(model.opsetImport).toEqual([{ domain: '', version: 17 }]);
  expect(model.graph.name).toBe('small');
  expect(model.graph.node.map(({ opType }) => opType)).toEqual([
    'Split',
    'LayerNormalization',
    'Transpose',
    'Identity',
  ]);
  expect(model.graph.node.map(({ attribute }) => attribute[0])).toMatchObject([
    { name: 'axis', i: -1, type: 2 },
    { name: 'epsilon', f: 0.5, type: 1 },
    { name: 'perm', ints: [1, 0], type: 7 },
    undefined,
  ]);
  const [input] = model.graph.input;
  expect(input?.name).toBe('x');
  expect(input?.type.tensorType).toMatchObject({ elemType: 1, shape: { dim: batch } });
  expect(model.graph.output.map(({ name }) => name)).toEqual(['y']);
  const weights = model.graph.initializer.find(({ name }) => name === 'w');
  expect(weights).toMatchObject({ dims: [2], dataType: ElementType.float });
  expect(weights?.rawData).toEqual(Buffer.from(Float32Array.of(1.5, -2).buffer));
});

test('every node reads values that an earlier one, an input or a constant provides', () => {
  const builder = new GraphBuilder();
  const x = builder.input('x', ElementType.float, batch);
  builder.output('y', builder.op('Mul', [x, builder.scalar(2)]), ElementType.float, batch);
  const { graph } = decodeOnnx(builder.encode('order'));
  const known = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  for (const { input, output } of graph.node) {
    for (const name of input) expect(known).toContain(name);
    for (const name of output) known.add(name);
  }
});

test('equal small constants are stored once', () => {
  const builder = new GraphBuilder();
  expect(builder.scalar(1)).toBe(builder.scalar(1));
  expect(builder.int64s(1)).not.toBe(builder.scalar(1));
  expect(decodeOnnx(builder.encode('constants')).graph.initializer).toHaveLength(2);
});

test('weights of one name are refused the second time', () => {
  const builder = new GraphBuilder();
  builder.int8s('w', [1], Int8Array.of(1));
  expect(() => builder.int8s('w', [1], Int8Array.of(2))).toThrow('named w');
});
