import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type { Backend } from './backend.js';
import { getJson } from './bounded-json.js';

const MAX_MODELS = 1000;

const ModelList = z.object({ data: z.array(z.object({ id: z.string().min(1) })) });

/** Asks a backend which models it serves; one that does not say keeps what is known of it. */
export async function discoverModels(
  backend: Backend,
  dispatcher: Dispatcher,
  timeoutMs: number,
): Promise<void> {
  try {
    const answer = await getJson(backend, '/v1/models', dispatcher, timeoutMs);
    if (answer === undefined) return;
    const { data } = ModelList.parse(answer);
    backend.discoveredModels = data.slice(0, MAX_MODELS).map(({ id }) => id);
  } catch {
    // Not every server has the endpoint, and one that fails now is asked again with a later probe.
  }
}
