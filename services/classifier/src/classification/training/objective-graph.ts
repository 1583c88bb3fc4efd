import { GraphBuilder } from '../../onnx/graph-builder.js';
import { ElementType } from '../../onnx/onnx-format.js';

const free = (...names: string[]) => names.map((dimParam) => ({ dimParam }));

/**
 * The dense part of the head's objective over one block of rows, with z = X W + b + E:
 *
 *   L  = sum over rows of w * -log softmax(z)[label]
 *   G  = w * (softmax(z) - onehot(label))      the gradient by z
 *   GW = X' G                                  the gradient by W
 *
 * Inputs: X [n, d], W [d, C], b [1, C], E [n, C] (logits from elsewhere), labels [n], w [n, 1].
 */
export function objectiveGraph(): Uint8Array {
  const graph = new GraphBuilder();
  const x = graph.input('X', ElementType.float, free('n', 'd'));
  const w = graph.input('W', ElementType.float, free('d', 'C'));
  const b = graph.input('b', ElementType.float, free('one', 'C'));
  const extra = graph.input('E', ElementType.float, free('n', 'C'));
  const labels = graph.input('labels', ElementType.int64, free('n'));
  const weights = graph.input('w', ElementType.float, free('n', 'one'));
  const depth = graph.input('C', ElementType.int64, free('one'));

  const product = graph.op('Add', [graph.op('MatMul', [x, w]), b]);
  const logShares = graph.op('LogSoftmax', [graph.op('Add', [product, extra])], { axis: 1 });
  const offAndOn = graph.floats('off and on', { shape: [2], data: Float32Array.of(0, 1) });
  const wanted = graph.op('OneHot', [labels, depth, offAndOn], { axis: -1 });
  const surplus = graph.op('Sub', [graph.op('Exp', [logShares]), wanted]);
  const gradient = graph.op('Mul', [surplus, weights]);
  const turned = graph.op('Transpose', [x], { perm: [1, 0] });
  const hits = graph.op('Mul', [graph.op('Mul', [logShares, wanted]), weights]);
  const gain = graph.op('ReduceSum', [hits], { keepdims: 0 });

  graph.output('GW', graph.op('MatMul', [turned, gradient]), ElementType.float, free('d', 'C'));
  graph.output('G', gradient, ElementType.float, free('n', 'C'));
  graph.output('L', graph.op('Neg', [gain]), ElementType.float, []);
  return graph.encode('objective');
}
