import {
  AttributeType,
  ElementType,
  encodeOnnx,
  type OnnxAttribute,
  type OnnxDimension,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValueInfo,
} from './onnx-format.js';
import type { Tensor } from './tensor.js';

/** The name of a value in the graph: an input, a constant or the output of a node. */
export type Value = string;

/** An int or ints attribute is written as plain numbers; a float one as `{ float }`. */
export type Attributes = Readonly<Record<string, number | readonly number[] | { float: number }>>;

/** Operator set 17 is the first with LayerNormalization; IR version 8 is the one it came with. */
const OPERATOR_SET = 17;
const IR_VERSION = 8;

/** Collects nodes, in the order they are evaluated, and constants; `encode` closes the graph. */
export class GraphBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #constants = new Map<string, OnnxTensor>();
  readonly #inputs: OnnxValueInfo[] = [];
  readonly #outputs: OnnxValueInfo[] = [];

  input(name: string, type: ElementType, dimensions: readonly OnnxDimension[]): Value {
    this.#inputs.push(valueInfo(name, type, dimensions));
    return name;
  }

  /** Names `value` as an output of the graph. */
  output(name: string, value: Value, type: ElementType, dimensions: readonly OnnxDimension[]) {
    this.#node('Identity', [value], [name], {});
    this.#outputs.push(valueInfo(name, type, dimensions));
  }

  floats(name: string, { shape, data }: Tensor): Value {
    return this.#weights(name, ElementType.float, shape, data);
  }

  int8s(name: string, shape: readonly number[], data: Int8Array): Value {
    return this.#weights(name, ElementType.int8, shape, data);
  }

  /** Small constants are named by their content, so that equal ones are stored once. */
  scalar(value: number): Value {
    return this.#constant(`float ${value}`, ElementType.float, [], Float32Array.of(value));
  }

  int64s(...values: readonly number[]): Value {
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant(`int64 ${values.join(' ')}`, ElementType.int64, [values.length], data);
  }

  op(operator: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    const output = `value_${this.#nodes.length}`;
    this.#node(operator, inputs, [output], attributes);
    return output;
  }

  /** An operator of two outputs: `TopK`. */
  op2(
    operator: string,
    inputs: readonly Value[],
    attributes: Attributes = {},
  ): readonly [Value, Value] {
    const stem = `value_${this.#nodes.length}`;
    const outputs = [`${stem}_a`, `${stem}_b`] as const;
    this.#node(operator, inputs, outputs, attributes);
    return outputs;
  }

  /** An operator of three outputs: `DynamicQuantizeLinear`, or `Split` in three. */
  op3(
    operator: string,
    inputs: readonly Value[],
    attributes: Attributes = {},
  ): readonly [Value, Value, Value] {
    const stem = `value_${this.#nodes.length}`;
    const outputs = [`${stem}_a`, `${stem}_b`, `${stem}_c`] as const;
    this.#node(operator, inputs, outputs, attributes);
    return outputs;
  }

  encode(name: string): Uint8Array {
    return encodeOnnx({
      irVersion: IR_VERSION,
      producerName: 'switchyard',
      opsetImport: [{ domain: '', version: OPERATOR_SET }],
      graph: {
        name,
        node: this.#nodes,
        initializer: [...this.#constants.values()],
        input: this.#inputs,
        output: this.#outputs,
      },
    });
  }

  #node(opType: string, input: readonly Value[], output: readonly Value[], attributes: Attributes) {
    const attribute = Object.entries(attributes).map(([key, value]) => toAttribute(key, value));
    this.#nodes.push({ input, output, name: `${opType}_${this.#nodes.length}`, opType, attribute });
  }

  #weights(name: string, type: ElementType, dims: readonly number[], data: ArrayBufferView): Value {
    if (this.#constants.has(name)) throw new Error(`the graph already has weights named ${name}`);
    return this.#constant(name, type, dims, data);
  }

  #constant(name: string, type: ElementType, dims: readonly number[], data: ArrayBufferView) {
    const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#constants.set(name, { dims, dataType: type, name, rawData });
    return name;
  }
}

function toAttribute(name: string, value: Attributes[string]): OnnxAttribute {
  if (typeof value === 'number') return { name, type: AttributeType.int, i: value };
  if ('float' in value) return { name, type: AttributeType.float, f: value.float };
  return { name, type: AttributeType.ints, ints: value };
}

function valueInfo(
  name: string,
  elemType: ElementType,
  dim: readonly OnnxDimension[],
): OnnxValueInfo {
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}
