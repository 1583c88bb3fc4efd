import { ElementType } from '../../onnx/onnx-format.js';
import type { Precision } from './precision.js';
import { quantize } from './quantize.js';

/**
 * Seven bits for the weights that are multiplied: processors without VNNI add two u8 * s8 products
 * in a 16-bit register, and 2 * 255 * 127 would saturate it where 2 * 255 * 63 does not.
 */
const MULTIPLIED_LEVELS = 63;
/** The word embeddings are only looked up, so they keep the whole range of an int8. */
const LOOKED_UP_LEVELS = 127;

/**
 * Dynamic quantization: weights are int8 in the file, activations become uint8 as they arrive, with
 * a scale and zero point over the whole tensor. onnxruntime fuses exactly this order of nodes into
 * one kernel.
 */
export const int8Precision: Precision = {
  embedding(graph, name, table, ids) {
    const { values, scales, shape } = quantize(table, 'row', LOOKED_UP_LEVELS);
    const rows = graph.op('Gather', [graph.int8s(`${name}.int8`, shape, values), ids], { axis: 0 });
    const column = graph.floats(`${name}.scale`, { shape: [shape[0], 1], data: scales });
    const rowScales = graph.op('Gather', [column, ids], { axis: 0 });
    return graph.op('Mul', [graph.op('Cast', [rows], { to: ElementType.float }), rowScales]);
  },

  multiply(graph, name, x, weight) {
    const { values, scales, shape } = quantize(weight, 'column', MULTIPLIED_LEVELS);
    const outputs = shape[1];
    const weights = graph.int8s(`${name}.int8`, shape, values);
    const weightScales = graph.floats(`${name}.scale`, { shape: [outputs], data: scales });
    const weightZeros = graph.int8s(`${name}.zero`, [outputs], new Int8Array(outputs));
    const [quantized, xScale, xZero] = graph.op3('DynamicQuantizeLinear', [x]);
    const sums = graph.op('MatMulInteger', [quantized, weights, xZero, weightZeros]);
    const floats = graph.op('Cast', [sums], { to: ElementType.float });
    return graph.op('Mul', [floats, graph.op('Mul', [xScale, weightScales])]);
  },
};
