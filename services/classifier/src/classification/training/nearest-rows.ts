import { InferenceSession, Tensor } from 'onnxruntime-node';
import { GraphBuilder } from '../../onnx/graph-builder.js';
import { ElementType } from '../../onnx/onnx-format.js';
import type { LabelledRows } from './labelled-rows.js';

/** Similarities of one block: 32 MB. */
const BLOCK_SIMILARITIES = 2 ** 23;

/** The k nearest of some rows for each of some queries, query by query, nearest first. */
export interface NearestRows {
  k: number;
  /** Row numbers, k for each query. */
  rows: Int32Array;
  /** Cosines, k for each query. */
  similarities: Float32Array;
}

/** S = Q X', and of each row of S the k largest values with their columns. */
function nearestGraph(): Uint8Array {
  const graph = new GraphBuilder();
  const free = (...names: string[]) => names.map((dimParam) => ({ dimParam }));
  const queries = graph.input('Q', ElementType.float, free('q', 'd'));
  const rows = graph.input('X', ElementType.float, free('n', 'd'));
  const k = graph.input('k', ElementType.int64, free('one'));
  const turned = graph.op('Transpose', [rows], { perm: [1, 0] });
  const [values, columns] = graph.op2('TopK', [graph.op('MatMul', [queries, turned]), k], {
    axis: -1,
  });
  graph.output('values', values, ElementType.float, free('q', 'k'));
  graph.output('columns', columns, ElementType.int64, free('q', 'k'));
  return graph.encode('nearest');
}

export function loadNearest(): Promise<InferenceSession> {
  return InferenceSession.create(nearestGraph(), { intraOpNumThreads: 1, interOpNumThreads: 1 });
}

/** Exact search; `k` is lowered to the number of rows. Both sides are L2-normalised. */
export async function nearestRows(
  session: InferenceSession,
  queries: LabelledRows,
  rows: LabelledRows,
  wanted: number,
): Promise<NearestRows> {
  const { dimensions } = rows;
  const k = Math.min(wanted, rows.count);
  const found: NearestRows = {
    k,
    rows: new Int32Array(queries.count * k),
    similarities: new Float32Array(queries.count * k),
  };
  if (k === 0) return found;
  const X = new Tensor('float32', rows.vectors, [rows.count, dimensions]);
  const limit = new Tensor('int64', BigInt64Array.of(BigInt(k)), [1]);
  const size = Math.max(1, Math.floor(BLOCK_SIMILARITIES / rows.count));
  for (let from = 0; from < queries.count; from += size) {
    const to = Math.min(queries.count, from + size);
    const block = queries.vectors.subarray(from * dimensions, to * dimensions);
    const Q = new Tensor('float32', block, [to - from, dimensions]);
    const { values, columns } = await session.run({ Q, X, k: limit });
    found.similarities.set((values as Tensor).data as Float32Array, from * k);
    found.rows.set(Int32Array.from((columns as Tensor).data as BigInt64Array, Number), from * k);
  }
  return found;
}
