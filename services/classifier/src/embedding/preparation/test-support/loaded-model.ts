import { basename, dirname } from 'node:path';
import { AutoModel, AutoTokenizer, env, type Tensor as HubTensor } from '@xenova/transformers';
import { EARLIER_OUTPUTS } from '../bert-graph.js';
import type { Dtype } from '../model-layout.js';

/** The last hidden state of one text, row by token, and the token ids it belongs to. */
export interface HiddenStates {
  readonly ids: readonly number[];
  readonly dims: readonly number[];
  readonly data: Float32Array;
  /** Of the layers before, nearest first. */
  readonly earlier: readonly Float32Array[];
}

/** A model folder as the service loads it: transformers.js, offline, one thread. */
export async function loadModel(path: string, dtype: Dtype) {
  env.allowRemoteModels = false;
  env.localModelPath = dirname(path);
  const name = basename(path);
  const tokenizer = await AutoTokenizer.from_pretrained(name);
  const model = await AutoModel.from_pretrained(name, {
    dtype,
    session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 },
  });

  return {
    /** Of `text`; neighbours share its batch, and a longer one makes its padding. */
    async hiddenStates(text: string, ...neighbours: string[]): Promise<HiddenStates> {
      const inputs = await tokenizer([text, ...neighbours], { padding: true, truncation: true });
      const outputs: Record<string, HubTensor> = await model(inputs);
      const stateOf = (name: string) => (outputs[name] as HubTensor).slice([0, 1]);
      const { dims, data } = stateOf('last_hidden_state');
      const earlier = EARLIER_OUTPUTS.map((name) => stateOf(name).data as Float32Array);
      const ids = Array.from(inputs.input_ids.slice([0, 1]).data as BigInt64Array, Number);
      return { ids, dims, data: data as Float32Array, earlier };
    },
    [Symbol.asyncDispose]: async () => {
      await model.dispose();
    },
  };
}

/** The mean over the tokens, as all-MiniLM-L6-v2 makes a vector of its hidden states. */
export function meanPool(states: Float32Array, width: number): Float32Array {
  const rows = states.length / width;
  const mean = new Float32Array(width);
  for (const [i, value] of states.entries())
    mean[i % width] = (mean[i % width] ?? 0) + value / rows;
  return mean;
}

export function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? Number.NaN;
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}
