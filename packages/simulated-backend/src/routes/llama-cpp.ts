import { jsonReply } from '../replies/reply.js';
import type { Slots } from '../requests/slots.js';
import { type Behaviour, modelIds } from '../settings/settings.js';
import type { Handler } from './context.js';

const CONTEXT_TOKENS = 8192;

export const health: Handler = () => jsonReply({ status: 'ok' });

function generationParams({ tokens }: Behaviour): object {
  return {
    n_predict: tokens,
    max_tokens: tokens,
    seed: 4294967295,
    temperature: 0.8,
    stream: true,
  };
}

export function props(slots: Slots): Handler {
  return (_received, { behaviour }) =>
    jsonReply({
      default_generation_settings: {
        id: 0,
        id_task: -1,
        n_ctx: CONTEXT_TOKENS,
        speculative: false,
        is_processing: slots.used > 0,
        params: generationParams(behaviour),
      },
      total_slots: behaviour.slots,
      model_path: `simulated/${modelIds(behaviour)[0] ?? behaviour.name}.gguf`,
      chat_template: '',
      modalities: { vision: false, audio: false },
      build_info: `sim-${behaviour.name}`,
    });
}

/** Requests have no slot of their own: the first `used` ones are shown busy. */
export function slotList(slots: Slots): Handler {
  return (_received, { behaviour }) => {
    const shown = Array.from({ length: Math.max(behaviour.slots, slots.used) }, (_, id) => ({
      id,
      id_task: -1,
      n_ctx: CONTEXT_TOKENS,
      speculative: false,
      is_processing: id < slots.used,
      params: generationParams(behaviour),
    }));
    return jsonReply(shown);
  };
}
