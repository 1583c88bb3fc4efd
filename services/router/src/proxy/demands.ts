import type { Demands } from '../backends/pool.js';
import { isObject, type JsonObject } from './endpoints/endpoint.js';

/** English prose has about four characters a token. */
const CHARACTERS_PER_TOKEN = 4;
/** messages, message, content, part, a tool result's content, its part, text; deeper there is none. */
const MAX_DEPTH = 8;
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
function walk(value: unknown, found: { images: boolean; characters: number }, depth = 0): void {
  if (depth > MAX_DEPTH) return;
  if (typeof value === 'string') found.characters += value.length;
  else if (Array.isArray(value)) for (const item of value) walk(item, found, depth + 1);
  else if (isObject(value)) {
    if (typeof value.type === 'string' && IMAGE_PARTS.has(value.type)) found.images = true;
    else for (const key of ['content', 'text'] as const) walk(value[key], found, depth + 1);
  }
}
