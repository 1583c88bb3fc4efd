import type { GraphBuilder, Value } from '../../onnx/graph-builder.js';
import { concatLastAxis, scale, type Tensor, transpose } from '../../onnx/tensor.js';
import type { BertConfig } from './bert-config.js';
import type { Precision } from './precision.js';
import type { Safetensors } from './safetensors.js';

export interface BertBuild {
  readonly graph: GraphBuilder;
  readonly weights: Safetensors;
  readonly config: BertConfig;
  readonly precision: Precision;
}

interface DenseWeights {
  /** [inputs, outputs], the transpose of how PyTorch stores it. */
  readonly weight: Tensor;
  readonly bias: Tensor;
}

/** One transformer block, normalized after each of its two residual sums as BERT does. */
export function encoderLayer(
  build: BertBuild,
  index: number,
  hidden: Value,
  paddingScores: Value,
): Value {
  const { graph } = build;
  const prefix = `encoder.layer.${index}`;
  const { hidden_size: width, intermediate_size: inner } = build.config;

  const attended = attention(build, prefix, hidden, paddingScores);
  const projected = storedDense(build, `${prefix}.attention.output.dense`, attended, width, width);
  const afterAttention = layerNorm(
    build,
    `${prefix}.attention.output.LayerNorm`,
    graph.op('Add', [projected, hidden]),
  );

  const expanded = storedDense(build, `${prefix}.intermediate.dense`, afterAttention, width, inner);
  const reduced = storedDense(build, `${prefix}.output.dense`, gelu(graph, expanded), inner, width);
  return layerNorm(build, `${prefix}.output.LayerNorm`, graph.op('Add', [reduced, afterAttention]));
}

export function layerNorm({ graph, weights, config }: BertBuild, name: string, x: Value): Value {
  const vector = (part: string) =>
    graph.floats(`${name}.${part}`, weights.floats(`${name}.${part}`, [config.hidden_size]));
  return graph.op('LayerNormalization', [x, vector('weight'), vector('bias')], {
    axis: -1,
    epsilon: { float: config.layer_norm_eps },
  });
}

/**
 * softmax(Q K^T / sqrt(head width)) V for every head. Q, K and V are one multiplication, so that
 * the activations are quantized once for the three, and 1 / sqrt(head width) is folded into Q.
 */
function attention(build: BertBuild, prefix: string, hidden: Value, paddingScores: Value): Value {
  const { graph, weights, config } = build;
  const width = config.hidden_size;
  const headWidth = width / config.num_attention_heads;
  const load = (part: string) =>
    loadDense(weights, `${prefix}.attention.self.${part}`, width, width);
  const [query, key, value] = [load('query'), load('key'), load('value')];
  const shrink = 1 / Math.sqrt(headWidth);

  const joined = dense(build, `${prefix}.attention.self.qkv`, hidden, {
    weight: concatLastAxis([scale(query.weight, shrink), key.weight, value.weight]),
    bias: concatLastAxis([scale(query.bias, shrink), key.bias, value.bias]),
  });
  const [q, k, v] = graph.op3('Split', [joined, graph.int64s(width, width, width)], { axis: 2 });

  // 0 in a Reshape keeps the dimension of the input: the batch and the sequence.
  const perHead = graph.int64s(0, 0, config.num_attention_heads, headWidth);
  const heads = (x: Value, perm: readonly number[]) =>
    graph.op('Transpose', [graph.op('Reshape', [x, perHead])], { perm });
  const scores = graph.op('MatMul', [heads(q, [0, 2, 1, 3]), heads(k, [0, 2, 3, 1])]);
  const shares = graph.op('Softmax', [graph.op('Add', [scores, paddingScores])], { axis: -1 });
  const mixed = graph.op('MatMul', [shares, heads(v, [0, 2, 1, 3])]);
  const together = graph.op('Transpose', [mixed], { perm: [0, 2, 1, 3] });
  return graph.op('Reshape', [together, graph.int64s(0, 0, width)]);
}

/** x * (1 + erf(x / sqrt(2))) / 2, in the order of nodes that onnxruntime fuses into one Gelu. */
function gelu(graph: GraphBuilder, x: Value): Value {
  const erf = graph.op('Erf', [graph.op('Div', [x, graph.scalar(Math.SQRT2)])]);
  const doubled = graph.op('Mul', [x, graph.op('Add', [erf, graph.scalar(1)])]);
  return graph.op('Mul', [doubled, graph.scalar(0.5)]);
}

function storedDense(build: BertBuild, name: string, x: Value, inputs: number, outputs: number) {
  return dense(build, name, x, loadDense(build.weights, name, inputs, outputs));
}

function dense({ graph, precision }: BertBuild, name: string, x: Value, own: DenseWeights): Value {
  const product = precision.multiply(graph, `${name}.weight`, x, own.weight);
  return graph.op('Add', [product, graph.floats(`${name}.bias`, own.bias)]);
}

function loadDense(
  weights: Safetensors,
  name: string,
  inputs: number,
  outputs: number,
): DenseWeights {
  return {
    weight: transpose(weights.floats(`${name}.weight`, [outputs, inputs])),
    bias: weights.floats(`${name}.bias`, [outputs]),
  };
}
