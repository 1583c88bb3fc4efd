import { parentPort, workerData } from 'node:worker_threads';
import type { BuildAnswer, BuildRequest, BuildStart } from './graph-builder.js';
import { HnswGraph } from './hnsw-graph.js';
import { rowOf } from './vector-rows.js';

const { dimensions, capacity } = workerData as BuildStart;
const graph = HnswGraph.create(dimensions, capacity);

parentPort?.on('message', (request: BuildRequest) => {
  const answer = (given: BuildAnswer) => parentPort?.postMessage(given);
  if ('rows' in request) {
    for (const row of request.rows) graph.put(row, rowOf(request.blocks, row, dimensions));
    answer({});
  } else
    graph.save(request.saveTo).then(
      () => answer({}),
      (error: Error) => answer({ error: error.message }),
    );
});
