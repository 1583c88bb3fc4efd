import type { Demands } from '../backends/pool.js';
import { isObject, type JsonObject } from './endpoints/endpoint.js';

/** English prose has about four characters a token. */
const CHARACTERS_PER_TOKEN = 4;
const IMAGE_PARTS = new Set(['image_url', 'input_image', 'image']);

/** What a request needs of the models that may serve it. */
export function demandsOf(body: JsonObject): Demands {
  const found = { images: false, characters: 0 };
  for (const part of [body.messages, body.input, body.prompt, body.system]) walk(part, found);
  return {
    images: found.images,
    tools: Array.isArray(body.tools) && body.tools.length > 0,
    tokens: Math.ceil(found.characters / CHARACTERS_PER_TOKEN),
  };
}

/** Counts text wherever a message may hold it; image data is not text. */
function walk(value: unknown, found: { images: boolean; characters: number }): void {
  if (typeof value === 'string') found.characters += value.length;
  else if (Array.isArray(value)) for (const item of value) walk(item, found);
  else if (isObject(value)) {
    if (typeof value.type === 'string' && IMAGE_PARTS.has(value.type)) found.images = true;
    else for (const key of ['content', 'text'] as const) walk(value[key], found);
  }
}
