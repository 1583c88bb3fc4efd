import type { GraphBuilder, Value } from '../../onnx/graph-builder.js';
import type { Tensor } from '../../onnx/tensor.js';

/** How the weights of a graph are stored and multiplied. */
export interface Precision {
  /** The rows of `table` that `ids` name. */
  embedding(graph: GraphBuilder, name: string, table: Tensor, ids: Value): Value;

  /** `x * weight`, with a weight of shape [inputs, outputs]. */
  multiply(graph: GraphBuilder, name: string, x: Value, weight: Tensor): Value;
}
