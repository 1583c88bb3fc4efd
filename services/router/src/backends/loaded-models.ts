import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type { WarmSettings } from '../configuration/warm-settings.js';
import type { Backend } from './backend.js';
import { getJson } from './bounded-json.js';

const Ollama = z
  .object({ models: z.array(z.object({ name: z.string() })) })
  .transform(({ models }) => models.map(({ name }) => name));

/** Those that are `starting` or `stopping` cannot answer yet, or any more. */
const LlamaSwap = z
  .object({ running: z.array(z.object({ model: z.string(), state: z.string().optional() })) })
  .transform(({ running }) =>
    running.filter(({ state = 'ready' }) => state === 'ready').map(({ model }) => model),
  );

const DETECTORS = {
  ollama: { path: '/api/ps', models: Ollama },
  'llama-swap': { path: '/running', models: LlamaSwap },
} satisfies Record<NonNullable<WarmSettings['detect']>, unknown>;

/** Ollama adds a tag to a name without one. */
const tagged = (name: string) => (name.includes(':') ? name : `${name}:latest`);

/**
 * Whether a server has the model in memory that it is sent; any model where that is not known. undefined:
 * it does not say.
 */
export async function hasLoaded(
  backend: Backend,
  detect: NonNullable<WarmSettings['detect']>,
  dispatcher: Dispatcher,
  timeoutMs: number,
): Promise<boolean | undefined> {
  const { path, models } = DETECTORS[detect];
  try {
    const answer = await getJson(backend, path, dispatcher, timeoutMs);
    if (answer === undefined) return undefined;
    const loaded = models.parse(answer);
    const [wanted] = backend.models;
    if (wanted === undefined) return loaded.length > 0;
    return loaded.some((name) => tagged(name) === tagged(wanted));
  } catch {
    return undefined;
  }
}
