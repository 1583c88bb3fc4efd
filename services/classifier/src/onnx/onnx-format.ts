import protobuf from 'protobufjs/light.js';

/** `TensorProto.DataType`, as far as the encoder uses it. */
export const ElementType = { float: 1, int8: 3, int64: 7 } as const;
export type ElementType = (typeof ElementType)[keyof typeof ElementType];

/** `AttributeProto.AttributeType`, as far as the encoder uses it. */
export const AttributeType = { float: 1, int: 2, ints: 7 } as const;

export type OnnxAttribute = { name: string } & (
  | { type: typeof AttributeType.float; f: number }
  | { type: typeof AttributeType.int; i: number }
  | { type: typeof AttributeType.ints; ints: readonly number[] }
);

export interface OnnxNode {
  input: readonly string[];
  output: readonly string[];
  name: string;
  opType: string;
  attribute: readonly OnnxAttribute[];
}

export interface OnnxTensor {
  dims: readonly number[];
  dataType: ElementType;
  name: string;
  rawData: Uint8Array;
}

/** A size known when the graph is built, or the name of one known only at run time. */
export type OnnxDimension = { dimValue: number } | { dimParam: string };

export interface OnnxValueInfo {
  name: string;
  type: { tensorType: { elemType: ElementType; shape: { dim: readonly OnnxDimension[] } } };
}

export interface OnnxModel {
  irVersion: number;
  producerName: string;
  graph: {
    node: readonly OnnxNode[];
    name: string;
    initializer: readonly OnnxTensor[];
    input: readonly OnnxValueInfo[];
    output: readonly OnnxValueInfo[];
  };
  opsetImport: readonly { domain: string; version: number }[];
}

const one = (id: number, type: string) => ({ id, type });
const many = (id: number, type: string) => ({ id, type, rule: 'repeated' });

/**
 * The part of `onnx.proto` that the encoder needs. Field numbers are ONNX's; a reader skips the
 * fields that are not here.
 */
const schema = protobuf.Root.fromJSON({
  nested: {
    Model: {
      fields: {
        irVersion: one(1, 'int64'),
        producerName: one(2, 'string'),
        graph: one(7, 'Graph'),
        opsetImport: many(8, 'OperatorSet'),
      },
    },
    OperatorSet: { fields: { domain: one(1, 'string'), version: one(2, 'int64') } },
    Graph: {
      fields: {
        node: many(1, 'Node'),
        name: one(2, 'string'),
        initializer: many(5, 'Tensor'),
        input: many(11, 'ValueInfo'),
        output: many(12, 'ValueInfo'),
      },
    },
    Node: {
      fields: {
        input: many(1, 'string'),
        output: many(2, 'string'),
        name: one(3, 'string'),
        opType: one(4, 'string'),
        attribute: many(5, 'Attribute'),
      },
    },
    Attribute: {
      fields: {
        name: one(1, 'string'),
        f: one(2, 'float'),
        i: one(3, 'int64'),
        ints: many(8, 'int64'),
        type: one(20, 'int32'),
      },
    },
    Tensor: {
      fields: {
        dims: many(1, 'int64'),
        dataType: one(2, 'int32'),
        name: one(8, 'string'),
        rawData: one(9, 'bytes'),
      },
    },
    ValueInfo: { fields: { name: one(1, 'string'), type: one(2, 'Type') } },
    Type: { fields: { tensorType: one(1, 'TensorType') } },
    TensorType: { fields: { elemType: one(1, 'int32'), shape: one(2, 'Shape') } },
    Shape: { fields: { dim: many(1, 'Dimension') } },
    Dimension: { fields: { dimValue: one(1, 'int64'), dimParam: one(2, 'string') } },
  },
});
const modelType = schema.lookupType('Model');

export function encodeOnnx(model: OnnxModel): Uint8Array {
  return modelType.encode({ ...model }).finish();
}

/** Throws on bytes that are not, or not all of, a protobuf message; fields may still be empty. */
export function decodeOnnx(bytes: Uint8Array): OnnxModel {
  return modelType.toObject(modelType.decode(bytes), {
    longs: Number,
    defaults: true,
  }) as OnnxModel;
}
