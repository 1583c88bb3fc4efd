import { jsonReply } from '../replies/reply.js';
import type { ModelLoad } from '../requests/model-load.js';
import { modelIds } from '../settings/settings.js';
import type { Handler } from './context.js';

/** Ollama's list of models in memory. */
export function ollamaPs(load: ModelLoad): Handler {
  return (_received, { behaviour }) => {
    const names = load.state === 'loaded' ? modelIds(behaviour) : [];
    return jsonReply({
      models: names.map((name) => ({ name, model: name, size: 0, size_vram: 0 })),
    });
  };
}

/** llama-swap's list of servers that run or start. */
export function llamaSwapRunning(load: ModelLoad): Handler {
  return (_received, { behaviour }) => {
    const names = load.state === 'unloaded' ? [] : modelIds(behaviour);
    const state = load.state === 'loaded' ? 'ready' : 'starting';
    return jsonReply({ running: names.map((model) => ({ model, state })) });
  };
}
