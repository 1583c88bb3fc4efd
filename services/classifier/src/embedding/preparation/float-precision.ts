import type { Precision } from './precision.js';

export const floatPrecision: Precision = {
  embedding(graph, name, table, ids) {
    return graph.op('Gather', [graph.floats(name, table), ids], { axis: 0 });
  },

  multiply(graph, name, x, weight) {
    return graph.op('MatMul', [x, graph.floats(name, weight)]);
  },
};
