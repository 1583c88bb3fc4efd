import { GraphBuilder, type Value } from '../../onnx/graph-builder.js';
import { ElementType } from '../../onnx/onnx-format.js';
import type { BertConfig } from './bert-config.js';
import { type BertBuild, encoderLayer, layerNorm } from './bert-layer.js';
import type { Precision } from './precision.js';
import type { Safetensors } from './safetensors.js';

/** Added to the attention scores of padding; exp(-10000) is 0 in float32. */
const MASKED_SCORE = -10_000;

const BATCH = { dimParam: 'batch_size' };
const SEQUENCE = { dimParam: 'sequence_length' };

/** What comes out of the layers before the last, nearest to it first; names that no other model has. */
export const EARLIER_OUTPUTS = ['earlier_hidden_state_1', 'earlier_hidden_state_2'] as const;

/** The BERT encoder as an ONNX file, with the input and output names transformers.js expects. */
export function buildBertOnnx(
  weights: Safetensors,
  config: BertConfig,
  precision: Precision,
): Uint8Array {
  const graph = new GraphBuilder();
  const build: BertBuild = { graph, weights, config, precision };
  const input = (name: string) => graph.input(name, ElementType.int64, [BATCH, SEQUENCE]);
  const ids = input('input_ids');
  const paddingScores = maskedScores(graph, input('attention_mask'));
  const types = input('token_type_ids');

  const states = [embeddings(build, ids, types)];
  for (let layer = 0; layer < config.num_hidden_layers; layer++)
    states.unshift(encoderLayer(build, layer, states[0] as Value, paddingScores));

  const dimensions = [BATCH, SEQUENCE, { dimValue: config.hidden_size }];
  for (const [at, name] of ['last_hidden_state', ...EARLIER_OUTPUTS].entries()) {
    const state = states[at];
    if (state) graph.output(name, state, ElementType.float, dimensions);
  }
  return graph.encode('bert');
}

/** word[id] + type[type id] + position[0 .. sequence length), normalized. */
function embeddings(build: BertBuild, ids: Value, types: Value): Value {
  const { graph, weights, config, precision } = build;
  const table = (kind: string, rows: number) =>
    weights.floats(`embeddings.${kind}_embeddings.weight`, [rows, config.hidden_size]);
  const constant = (kind: string, rows: number) =>
    graph.floats(`embeddings.${kind}`, table(kind, rows));

  const words = precision.embedding(
    graph,
    'embeddings.word',
    table('word', config.vocab_size),
    ids,
  );
  const typed = graph.op('Gather', [constant('token_type', config.type_vocab_size), types], {
    axis: 0,
  });
  const zero = graph.int64s(0);
  const length = graph.op('Slice', [
    graph.op('Shape', [ids]),
    graph.int64s(1),
    graph.int64s(2),
    zero,
  ]);
  const allPositions = constant('position', config.max_position_embeddings);
  const positions = graph.op('Slice', [allPositions, zero, length, zero]);
  const sum = graph.op('Add', [graph.op('Add', [words, typed]), positions]);
  return layerNorm(build, 'embeddings.LayerNorm', sum);
}

/** (1 - mask) * MASKED_SCORE, of shape [batch, 1, 1, sequence] to suit every head and query. */
function maskedScores(graph: GraphBuilder, mask: Value): Value {
  const broadcast = graph.op('Unsqueeze', [mask, graph.int64s(1, 2)]);
  const kept = graph.op('Cast', [broadcast], { to: ElementType.float });
  const padding = graph.op('Sub', [graph.scalar(1), kept]);
  return graph.op('Mul', [padding, graph.scalar(MASKED_SCORE)]);
}
